"""How everybody is whom somebody looks after, today, at a glance."""
