"""Itineraries: days out planned from what somebody wishes for and needs, booked in one go, followed on the day."""
