"""What is said of orders, and what is shown of them."""
