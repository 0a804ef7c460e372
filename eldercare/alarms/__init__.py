"""Alarms: from a signal to a human who answers."""
