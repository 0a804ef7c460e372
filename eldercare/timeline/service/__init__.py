"""What goes on after a request was let in, and once a week."""
