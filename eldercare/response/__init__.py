"""Answering alarms: taking them, going there, ending them, and how long all that took."""
