"""Use cases of charges: what is owed and counted, and what desks take by hand."""
