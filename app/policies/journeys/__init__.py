"""Routes that compose the doors of several packages: all of it happens, or nothing."""
