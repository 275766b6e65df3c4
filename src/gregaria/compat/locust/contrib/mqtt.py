raise ImportError(
    "locust.contrib.mqtt is not in this version of Gregaria; write a User around paho-mqtt that fires "
    "`events.request`, as examples/custom_client.py of Gregaria's repository does."
)
