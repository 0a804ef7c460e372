"""Tests of care circles."""
