"""Prescriptions: drafted, checked against the health record, signed, renewed, stopped; a signed one never changes."""
