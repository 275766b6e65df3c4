"""What a simulated person does; pure Python, no I/O of its own."""
