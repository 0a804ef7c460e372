"""Use cases of the office: tills, sales, refunds, paper, and what resellers have."""
