"""A whole day of an organization in one plan: care visits and orders, and the same people for both."""
