"""What each kind of entity can be told, one module per family."""
