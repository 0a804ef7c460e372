"""The HTTP side of clinics."""
