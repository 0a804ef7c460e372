"""What is done with zones and positions."""
