"""What was given to who came, and what that comes to: low enough for offers to show it."""
