"""Arguments of your own, on the command line, in the environment and in configuration files.

    gregaria -f examples/custom_arguments.py --city London --headless -u 5 -t 10s -H http://127.0.0.1:8000
"""

from locust import HttpUser, between, events, task


@events.init_command_line_parser.add_listener
def add_arguments(parser):
    parser.add_argument("--city", env_var="VISITOR_CITY", default="Pune", help="where the visitors live")
    parser.add_argument("--mood", choices=["glad", "grim"], default="glad", help="how they feel")
    # is_secret keeps it out of sight where values are shown
    parser.add_argument("--key", is_secret=True, default="none", help="what opens the door")


@events.test_start.add_listener
def tell(environment, **_):
    print(f"Visitors come from {environment.parsed_options.city}")


class Visitor(HttpUser):
    wait_time = between(0.05, 0.1)

    @task
    def introduce(self):
        options = self.environment.parsed_options
        self.client.post(
            "/getInfo",
            json={"city": options.city, "mood": options.mood},
            headers={"X-Key": options.key},
            name=f"/getInfo from {options.city}",
        )
