"""What goes on once a week."""
