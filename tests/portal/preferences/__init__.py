"""The page of one's own choices."""
