"""What Hearthline shows in a home's own Home Assistant, and the buttons that can be pressed there."""
