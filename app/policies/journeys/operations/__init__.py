"""What an operator sees of the machinery: what stands still, how far it is behind, what it is connected to."""
