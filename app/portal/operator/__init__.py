"""The operator's pages: people and organizations, plans, announcements, and how the machinery stands."""
