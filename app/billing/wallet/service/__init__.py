"""What is done with saved cards: here in a transaction, at the gateway outside of any."""
