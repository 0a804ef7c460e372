"""What is said at the office, and what is shown of it."""
