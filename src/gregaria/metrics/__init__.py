"""Figures for others: what Prometheus is told of a test, in its own text."""
