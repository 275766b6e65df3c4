raise ImportError(
    "locust.contrib.csv_request_logger is not in this version of Gregaria; "
    "write each request down in an `events.request` listener, as examples/events_listener.py does."
)
