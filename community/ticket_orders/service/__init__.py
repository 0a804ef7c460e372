"""What people do with tickets, one use case beside the other."""
