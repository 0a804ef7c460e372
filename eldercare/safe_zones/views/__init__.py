"""The SQL that reads zones and positions."""
