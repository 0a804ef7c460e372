"""What an operator sees of the community's deliveries, and what they can do about those that stand still."""
