"""What one domain does when something happened in another."""
