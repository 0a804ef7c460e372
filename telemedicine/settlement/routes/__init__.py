"""Prices, bills and claims over HTTP."""
