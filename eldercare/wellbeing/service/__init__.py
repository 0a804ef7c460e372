"""Use cases of well-being."""
