"""Signed-in sessions: access tokens that live for minutes, refresh tokens that rotate, revocation at once."""
