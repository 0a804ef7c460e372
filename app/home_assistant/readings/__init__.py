"""What each kind of entity tells of itself, one module per family of payloads."""
