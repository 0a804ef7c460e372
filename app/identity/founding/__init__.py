"""How a community begins: its operator, and the first person who can let others in."""
