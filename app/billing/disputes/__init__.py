"""Disputes of card payments, and whatever else lets an organization's money stay where it is until it is decided."""
