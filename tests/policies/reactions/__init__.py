"""Reactions of one domain to the facts of another, over HTTP and drained."""
