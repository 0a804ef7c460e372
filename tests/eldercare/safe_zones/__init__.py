"""Tests of safe zones."""
