"""Looking at the texts of notices: which there are, and how they read."""
