"""Who looked at a resident's data, or changed it: the audit trail as the resident may read it."""
