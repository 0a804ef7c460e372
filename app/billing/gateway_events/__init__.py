"""What the gateway tells by webhook: kept once, in the transaction in which it has its effect."""
