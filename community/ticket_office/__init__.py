"""The ticket office: shifts with counted cash, sales over the counter, and what resellers have to sell."""
