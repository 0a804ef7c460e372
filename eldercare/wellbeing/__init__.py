"""How residents say they are and get along, day by day, and whether that drifts from what is usual for them."""
