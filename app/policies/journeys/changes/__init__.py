"""Incremental sync: what an app keeps about a person, brought up to date in one request."""
