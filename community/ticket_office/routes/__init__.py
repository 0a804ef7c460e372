"""The office over HTTP: its tills, and what resellers have."""
