"""What people are shown of orders."""
