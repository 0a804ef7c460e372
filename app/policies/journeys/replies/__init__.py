"""Phones answer: a text message or a key in a call becomes the answer to a check-in, an alarm or a reminder."""
