"""The HTTP side of care at home."""
