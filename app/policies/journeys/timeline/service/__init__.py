"""What goes on after a request was let in."""
