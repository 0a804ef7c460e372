"""Appointments over HTTP."""
