"""Leaving a kind of mail with one click, without signing in (RFC 8058)."""
