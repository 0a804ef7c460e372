"""What is decided of a home's states: what a report changes, what is kept of it, and what becomes of it by itself."""
