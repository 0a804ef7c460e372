"""What is said of tickets, and what is shown of them."""
