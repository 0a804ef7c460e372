"""What is done without a connection."""
