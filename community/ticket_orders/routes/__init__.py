"""Tickets over HTTP, by who asks."""
