"""What goes with a referral and is another domain's: the readings of a time."""
