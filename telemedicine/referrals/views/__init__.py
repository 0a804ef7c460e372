"""The SQL that reads referrals and questions."""
