"""A JSON API: ``rest`` reads the answer, and whatever goes wrong in its block is the request's failure.

gregaria -f examples/users/rest_api.py --headless -u 5 -r 5 -t 5s -H http://127.0.0.1:8000
"""

from locust import FastHttpUser, constant, task


class ApiUser(FastHttpUser):
    wait_time = constant(0.02)

    @task(3)
    def ask(self):
        with self.rest("POST", "/getInfo", json={"id": 123}) as response:
            assert response.js["data"] == {"id": 123}
            assert response.js["status"] == "SUCCESS", f"the status is {response.js['status']},"

    @task
    def expect_too_much(self):
        with self.rest("GET", "/", name="fails on purpose") as response:
            # ends in a comma: the failure quotes the response
            assert response.js["Hello"] == "Moon", "expected the moon,"
