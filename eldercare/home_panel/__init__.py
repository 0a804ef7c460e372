"""What a resident's own home shows of their care, and what pressing its buttons means."""
