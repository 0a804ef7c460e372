"""Homes whose Home Assistant is asked itself, over its own API, because it speaks to no broker."""
