raise ImportError(
    "locust.contrib.postgres is not in this version of Gregaria; write a User around psycopg that fires "
    "`events.request`, as examples/custom_client.py of Gregaria's repository does."
)
