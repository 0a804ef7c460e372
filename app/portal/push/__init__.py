"""Notifications of a browser: the worker that shows them, and switching them on and off."""
