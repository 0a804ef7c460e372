"""What by itself calls nobody: kept for some hours, and told of together with whatever else happens meanwhile."""
