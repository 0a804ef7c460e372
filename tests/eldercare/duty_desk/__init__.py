"""Tests of the duty desk of eldercare."""
