"""Today: the first page of whoever looks after somebody."""
