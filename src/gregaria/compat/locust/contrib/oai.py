raise ImportError(
    "locust.contrib.oai is not in this version of Gregaria; write a User around openai that fires "
    "`events.request`, as examples/custom_client.py of Gregaria's repository does."
)
