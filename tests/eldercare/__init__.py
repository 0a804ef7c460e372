"""Tests of the eldercare package."""
