"""Invoices, credit notes, receipts and statements: numbered without a gap, and never changed."""
