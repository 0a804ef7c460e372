"""Money held for something that is still to be done, and taken, let go or given back when it is clear."""
