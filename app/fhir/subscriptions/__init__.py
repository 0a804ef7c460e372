"""Subscriptions: a clinic's system is told of what it may see, as it changes."""
