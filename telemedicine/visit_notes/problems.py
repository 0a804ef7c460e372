"""What can go wrong with a note, as problems a caller can act on."""

from app.core.problems import Conflict


class NothingWritten(Conflict):
    """There is no draft of the caller's, or nothing in it: there is nothing to sign."""

    code, title = "nothing_written", "There is nothing to sign yet"
