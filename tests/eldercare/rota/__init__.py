"""Tests of the rota of eldercare."""
