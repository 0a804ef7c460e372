"""Webhooks: what happens to residents, told to the machines of the organizations that serve them."""
