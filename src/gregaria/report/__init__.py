"""A Summary, told."""
