"""Issuing invoices and credit notes, and setting what was issued."""
