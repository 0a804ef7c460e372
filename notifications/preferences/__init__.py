"""What a person wants to be told, over which channel and when."""
