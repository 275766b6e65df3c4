raise ImportError(
    "locust.contrib.socketio is not in this version of Gregaria; write a User around python-socketio that fires "
    "`events.request`, as examples/custom_client.py of Gregaria's repository does."
)
