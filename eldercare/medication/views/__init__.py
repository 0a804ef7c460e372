"""The SQL that reads medication."""
