"""Tickets on offer, over HTTP."""
