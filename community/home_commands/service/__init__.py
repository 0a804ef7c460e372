"""What is done with commands to homes."""
