"""Vital signs: readings as they were measured, limits a clinician sets, and what is known of them now."""
