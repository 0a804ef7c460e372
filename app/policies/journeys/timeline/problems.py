"""What can go wrong with a timeline, as a problem a caller can act on."""

from app.core.problems import Conflict


class RecordTooLong(Conflict):
    """More happened than a printed record holds; ``limit`` says how many items it may be."""

    code, title = (
        "record_too_long",
        "This is too much for paper: ask for less time, for fewer kinds, or for the CSV file",
    )
