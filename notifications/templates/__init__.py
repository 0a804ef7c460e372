"""What a notice is, and how its texts are rendered in a person's language."""
