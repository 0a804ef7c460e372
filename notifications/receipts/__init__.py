"""Receipts: what phones and providers confirm, and the next channel where nothing is confirmed in time."""
