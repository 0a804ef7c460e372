"""What whoever comes to help at home finds: somebody unwell, or nobody who answers the door."""
