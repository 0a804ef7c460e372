"""The page of an alarm, which opens from a push in one tap, and the list of all alarms somebody may see."""
