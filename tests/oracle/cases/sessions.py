"""To come."""

CASES: list = []
