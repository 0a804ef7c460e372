"""Where something is, when a zone is in force, and what a fix or a silence means: decisions without I/O."""
