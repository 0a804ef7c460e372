"""Support looks on as somebody."""
