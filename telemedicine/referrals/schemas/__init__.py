"""What is said of referrals and questions."""
