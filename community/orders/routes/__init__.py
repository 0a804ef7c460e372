"""Orders over HTTP, by who asks."""
