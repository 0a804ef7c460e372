"""What is decided about devices: which of them are one, and what care takes an entity for."""
