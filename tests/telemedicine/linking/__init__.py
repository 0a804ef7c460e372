"""Tests of patient numbers."""
