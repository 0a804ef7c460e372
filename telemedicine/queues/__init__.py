"""Queues of those who walk in: a number, how many are before, and who is called next."""
