"""Tests of scenes and automations."""
