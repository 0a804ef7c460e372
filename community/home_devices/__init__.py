"""What a connected home has: its devices and what each of them notices or can do, as its hub describes them."""
