"""The SQL that reads what was issued, and what statements are made from."""
