"""Use cases of attractions."""
