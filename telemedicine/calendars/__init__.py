"""Appointments in the calendars people already have: private feeds that can be revoked."""
