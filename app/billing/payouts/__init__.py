"""Paying organizations out: to which account, on which terms, and what was transferred for which charges."""
