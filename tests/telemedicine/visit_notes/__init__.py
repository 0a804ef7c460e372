"""Notes of visits in person."""
