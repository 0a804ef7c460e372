"""The SQL that reads timelines."""
