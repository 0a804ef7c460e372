"""The ways to sign in: a one-time code, Firebase, and any OpenID Connect issuer."""
