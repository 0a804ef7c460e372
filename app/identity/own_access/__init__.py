"""What somebody may see of a resident, and why, told to themself."""
