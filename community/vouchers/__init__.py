"""Codes that make tickets cheaper: so often as there are uses, and no more."""
