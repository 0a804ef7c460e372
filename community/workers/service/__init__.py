"""Use cases of a provider and its workers."""
