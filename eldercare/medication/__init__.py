"""Medication: what a resident takes and when, whether it was taken, and what is left of it."""
