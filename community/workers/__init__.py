"""Who comes to homes for a provider: what they can do, when they are there, and who may not be sent."""
