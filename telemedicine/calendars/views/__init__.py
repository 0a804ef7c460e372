"""The SQL that reads feeds, what they show, and how reading other calendars went."""
