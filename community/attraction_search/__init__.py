"""Attractions as everybody finds them, signed in or not: by words, place, needs, and whether they are open."""
