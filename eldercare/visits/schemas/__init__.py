"""What callers say and are told about care at home."""
