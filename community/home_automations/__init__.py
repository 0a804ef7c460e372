"""Scenes and automations: what a home does at once on a word, and what it does by itself."""
