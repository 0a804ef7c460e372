"""What settlement decides without looking anything up."""
