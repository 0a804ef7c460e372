"""Calendars over HTTP: feeds, and addresses of calendars that are read."""
