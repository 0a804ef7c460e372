"""Tests of the messages of eldercare."""
