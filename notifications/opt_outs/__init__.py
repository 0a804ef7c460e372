"""Numbers whose owner does not want text messages; what is critical is sent nonetheless."""
