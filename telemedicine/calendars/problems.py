"""What can go wrong with feeds, as problems a caller can act on."""

from app.core.problems import Conflict


class TooManyFeeds(Conflict):
    """There are as many feeds as one person can have; revoke one. ``most`` says how many that is."""

    code, title = "too_many_feeds", "Revoke a calendar address first"


class TooManyBusyCalendars(Conflict):
    """There are as many as one person can have; remove one. ``most`` says how many that is."""

    code, title = "too_many_busy_calendars", "Remove a calendar first"
