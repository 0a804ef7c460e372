"""The use cases of calendars: feeds and their addresses, calendars read elsewhere, invitations."""
