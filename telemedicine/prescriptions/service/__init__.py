"""What is done with prescriptions: written and signed, and asked for again."""
