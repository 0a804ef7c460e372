"""What people do with series, one use case beside the other, and what Hearthline does of them ahead."""
