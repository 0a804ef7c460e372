"""Settlement: what a clinic asks for a visit, what the insurer pays of it, and what is left for the resident."""
