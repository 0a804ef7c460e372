"""What can be done with medication: agree it, plan it, remind of it, record it, keep it in stock."""
