"""What residents owe organizations, and what was paid of it: each change with its entry in the ledger."""
