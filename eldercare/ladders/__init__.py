"""The ladder: who is told of an alarm next, until somebody answers."""
