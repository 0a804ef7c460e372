"""Slots called off together: what that would mean, doing it all at once, and how far giving back has come."""
