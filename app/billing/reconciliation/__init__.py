"""Whether the gateway's books and ours say the same."""
