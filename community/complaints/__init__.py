"""Complaints about help at home: with evidence, an answer by a deadline, and a decision."""
