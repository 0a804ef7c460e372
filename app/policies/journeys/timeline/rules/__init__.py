"""What the timeline decides and says: pure functions on values."""
