"""Deliveries: one row per recipient, notice and channel, from the writing to the outcome."""
