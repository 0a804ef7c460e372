"""Tests of what belongs together."""
