"""Signing in to the portal."""
