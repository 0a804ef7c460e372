"""The pages about one resident."""
