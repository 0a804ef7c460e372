"""Residents in remote care who are missing on a trip: somebody is called, until they are found."""
