"""People: accounts, residents, households and the ways to reach them."""
