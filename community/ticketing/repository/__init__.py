"""The SQL that writes and locks what is on offer."""
