"""Referrals and questions over HTTP."""
