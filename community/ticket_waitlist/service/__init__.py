"""What people do with waiting lists, and what comes of it."""
