raise ImportError(
    "locust.rpc is not in this version of Gregaria, which runs on one machine yet; "
    "send custom messages with `environment.runner.send_message`."
)
