raise ImportError(
    "locust.contrib.csv_request_logger is not in this version of Gregaria; write each request down in a listener of "
    "`events.request`, as examples/events_listener.py of Gregaria's repository does."
)
