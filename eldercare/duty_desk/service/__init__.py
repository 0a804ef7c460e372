"""Working at the desk, and following its queue."""
