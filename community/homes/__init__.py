"""Homes that are connected: whose they are, who lives there and agreed, how their hub speaks to us."""
