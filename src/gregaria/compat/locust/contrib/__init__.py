"""Locust's further clients; ``fasthttp`` is here, the others say what to do instead."""
