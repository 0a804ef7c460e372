"""What the operator of a community finds in its audit trail."""
