"""The person's way in."""
