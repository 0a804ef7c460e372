"""Saved cards: whose they are, and what may be shown of them. Numbers are the gateway's; we never see one."""
