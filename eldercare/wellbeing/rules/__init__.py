"""What well-being decides and says: pure functions on values."""
