"""Starting and stopping users."""
