"""Who is sent to an order: found by Hearthline, or the first of several who were asked."""
