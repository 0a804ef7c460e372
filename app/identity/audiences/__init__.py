"""Audiences: the people of a community whom an announcement is for."""
