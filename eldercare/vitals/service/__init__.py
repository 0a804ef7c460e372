"""Use cases of vital signs."""
