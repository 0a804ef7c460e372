"""Tests of escalation plans."""
