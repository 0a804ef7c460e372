"""Hubs that are asked: connected, followed, and called."""
