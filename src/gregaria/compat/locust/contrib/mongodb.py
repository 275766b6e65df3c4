raise ImportError(
    "locust.contrib.mongodb is not in this version of Gregaria; write a User around pymongo that fires "
    "`events.request`, as examples/custom_client.py of Gregaria's repository does."
)
