"""What callers say and are told about medication."""
