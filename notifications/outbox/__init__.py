"""What the local twin would have sent, shown on a page; never in production."""
