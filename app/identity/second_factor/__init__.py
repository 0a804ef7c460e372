"""The second factor of staff: authenticator apps, recovery codes and passkeys."""
