"""Tests of well-being."""
