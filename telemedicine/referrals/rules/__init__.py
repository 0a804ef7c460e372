"""Pure decisions about referrals and questions."""
