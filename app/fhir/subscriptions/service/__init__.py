"""What is done about subscriptions: they are looked after, matched with what changed, and put into calls."""
