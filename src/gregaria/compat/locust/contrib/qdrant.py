raise ImportError(
    "locust.contrib.qdrant is not in this version of Gregaria; write a User around qdrant-client that fires "
    "`events.request`, as examples/custom_client.py of Gregaria's repository does."
)
