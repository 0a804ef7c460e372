"""Browsers that are signed in: an opaque cookie that stands for a session, and ends with it."""
