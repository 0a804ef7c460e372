"""What attractions sell, and when: products, slots of a season, quotas, add-ons and terms."""
