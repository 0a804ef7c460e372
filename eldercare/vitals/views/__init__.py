"""The SQL that reads vital signs."""
