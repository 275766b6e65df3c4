raise ImportError(
    "locust.contrib.milvus is not in this version of Gregaria; write a User around pymilvus that fires "
    "`events.request`, as examples/custom_client.py of Gregaria's repository does."
)
