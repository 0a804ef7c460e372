"""Support looks on as somebody, in the portal."""
