"""What is shown of prices, bills and claims."""
