"""A residence ends: not while an alarm is open."""
