"""Locust's small tools, for locustfiles and plugins that use them; Gregaria itself does not."""
