"""What must not be: rules are read, judged each second and at the end, and told as a verdict."""
