"""The SQL that reads care plans, visits and agencies' days."""
