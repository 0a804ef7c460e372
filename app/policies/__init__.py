"""Where domains meet: reactions of one to the facts of another, and journeys that compose several at once."""
