"""The rest of a resident's own pages: help at home, tickets, the home, messages, and who looked at their data."""
