"""What is read of series."""
