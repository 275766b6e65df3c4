raise ImportError(
    "locust.contrib.dns is not in this version of Gregaria; write a User around dnspython that fires "
    "`events.request`, as examples/custom_client.py of Gregaria's repository does."
)
