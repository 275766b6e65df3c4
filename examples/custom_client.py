"""A client of another protocol, XML-RPC here: whatever Python can call, timed and counted like a request.

``--host`` is the server's address, for example http://127.0.0.1:9000/RPC2.
"""

from xmlrpc.client import ServerProxy

from locust import User, between, task


class XmlRpcUser(User):
    """Base class for users of an XML-RPC server: ``self.call("method", arguments...)``."""

    abstract = True

    def __init__(self, environment):
        super().__init__(environment)
        self.server = ServerProxy(self.host)

    def call(self, method, *arguments):
        """The method's answer, or None when the call failed."""
        # measure() fires one `request` event; an exception in the block is that request's failure
        with self.environment.events.request.measure("xmlrpc", method, context=self.context()) as request:
            answer = request["response"] = getattr(self.server, method)(*arguments)
            request["response_length"] = len(str(answer))
            return answer
        return None


class Calculator(XmlRpcUser):
    wait_time = between(0.02, 0.05)

    @task(3)
    def add(self):
        assert self.call("add", 2, 3) == 5

    @task
    def divide_by_zero(self):
        self.call("divide", 1, 0)
