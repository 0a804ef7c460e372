"""The platform every domain stands on, and the entry points."""
