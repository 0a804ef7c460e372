"""What is said of days out, and what is shown of them."""
