"""Drills: the real ladder climbed for practice, called one in every text, and what it showed."""
