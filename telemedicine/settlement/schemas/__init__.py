"""What is said and shown of prices, bills and claims."""
