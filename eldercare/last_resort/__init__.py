"""The last resort: the duty desk is told of what Hearthline cannot carry on with by itself."""
