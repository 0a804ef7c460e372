"""The SQL that reads well-being."""
