"""Billing: what people owe an organization, what they paid, and the double-entry ledger that says so."""
