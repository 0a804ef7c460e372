"""What Hearthline costs: each benchmark prints our figure, the peer's and the limit's of one run, and the ratio."""
