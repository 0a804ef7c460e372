"""The SQL of the overview: how each stands, and pages of them."""
