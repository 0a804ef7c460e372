"""The in-app inbox: what a person was told, in the language they read now."""
