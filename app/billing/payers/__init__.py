"""Payers: who pays for a resident from their own card, by the wish of both."""
