"""The local twin of a payment gateway, to be tried: for demo and development, never mounted in production."""
