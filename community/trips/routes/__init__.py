"""Trips over HTTP, by who asks."""
