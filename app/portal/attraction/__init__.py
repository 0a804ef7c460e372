"""The pages of those who run museums, parks and pools: the day, slots and sales, calling off, gates, the place."""
