"""The pages on which support begins and stops to look on as somebody."""
