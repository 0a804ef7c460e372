"""Tests of the drills of eldercare."""
