"""What people do with orders, one use case beside the other."""
