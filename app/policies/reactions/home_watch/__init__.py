"""What a home notices calls for its resident, and what it is used to answers for them."""
