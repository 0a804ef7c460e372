"""How many messages of a category a person gets in a while before the rest is gathered."""
