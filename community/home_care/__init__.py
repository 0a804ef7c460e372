"""What a home notices reaches someone: hazards, nights, mornings that stay quiet, and homes nothing is heard of."""
