"""Who sits at the duty desk when, who is phoned when nobody does, and hours that nobody has."""
