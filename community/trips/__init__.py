"""Outings of a community: who goes along, what they need on the way, who counts them, and that nobody is forgotten."""
