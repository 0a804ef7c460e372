"""A trip and a companion for all of it, ordered or volunteering: both, or neither."""
