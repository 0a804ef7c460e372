"""What is done with referrals and questions, by people and by what happens."""
