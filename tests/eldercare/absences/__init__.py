"""Tests of when residents are away."""
