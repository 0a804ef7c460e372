"""What Hearthline costs: each benchmark prints our figure, the peer's and the limit's of the same run, and the ratio."""
