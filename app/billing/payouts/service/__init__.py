"""What is done about payouts."""
