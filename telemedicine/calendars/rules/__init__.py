"""Pure decisions on calendars: what feeds say, what invitations say, when somebody is busy."""
