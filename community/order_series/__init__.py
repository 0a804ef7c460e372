"""Help at home that recurs: agreed once, ordered weeks ahead, one real order for each occurrence."""
