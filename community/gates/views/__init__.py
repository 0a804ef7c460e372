"""The SQL that reads gates: what there is, what scanners take along, what is known of passes."""
