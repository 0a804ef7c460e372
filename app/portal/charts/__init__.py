"""Pictures of numbers, drawn on the server: nothing of them needs a script."""
