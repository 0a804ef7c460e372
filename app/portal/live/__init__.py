"""What keeps open pages up to date: nudges that say which parts to fetch again, and nothing of what they show."""
