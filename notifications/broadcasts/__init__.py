"""Broadcasts: what staff announces to an audience, written batch by batch while everything else goes on."""
