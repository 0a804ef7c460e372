"""The SQL that reads check-ins, plans and pauses."""
