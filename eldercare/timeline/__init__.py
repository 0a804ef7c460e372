"""What eldercare has in a resident's timeline, and once a week in numbers."""
