"""What is done about disputes."""
