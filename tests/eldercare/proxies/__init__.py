"""Tests of the proxies of eldercare."""
