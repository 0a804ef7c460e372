"""The SQL that reads appointments: as people see them, and as clinics' own systems keep them."""
