"""Tests of the shifts of eldercare."""
