"""The circle's conversation: what a resident and their care circle write to each other."""
