"""Who is away from home has nobody of the community's services come again and again."""
