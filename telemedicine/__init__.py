"""Telemedicine: a resident and a clinician who see each other without travelling."""
