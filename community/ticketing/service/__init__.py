"""Use cases of tickets on offer."""
