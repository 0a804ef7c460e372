"""Consent: what a resident lets whom see or do."""
