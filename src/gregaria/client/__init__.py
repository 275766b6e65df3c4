"""What a user says in HTTP."""
