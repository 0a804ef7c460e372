"""Keeping programmes and entitlements, and reserving, paying and giving back what they pay."""
