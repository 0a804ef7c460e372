"""Scenes and automations over HTTP."""
