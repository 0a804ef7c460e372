"""The gates of attractions: what scanners take along, what they bring back, and what the truth makes of it."""
