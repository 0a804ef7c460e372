"""Use cases of cards: kinds kept, cards linked and removed, verified, and decided about where two have one."""
