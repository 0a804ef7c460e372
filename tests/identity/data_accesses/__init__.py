"""Tests of who looked at whose data."""
