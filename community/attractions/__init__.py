"""Attractions: described for people with limited mobility, found by what they need, open by local rules."""
