"""The SQL that reads care in the home."""
