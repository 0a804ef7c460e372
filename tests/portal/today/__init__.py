"""Tests of the page Today."""
