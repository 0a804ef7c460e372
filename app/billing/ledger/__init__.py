"""The double-entry ledger: append-only, balanced by the database, its balances as quick however long the past."""
