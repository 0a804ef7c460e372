"""What somebody wants to be told, and when they are left alone; their language and time zone."""
