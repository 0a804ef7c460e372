"""Homes are set up and closed, agreed to, given their way to the broker; and those concerned are told."""
