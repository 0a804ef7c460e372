"""What can go wrong with shifts, as problems a caller can act on."""

from app.core.problems import Conflict


class ShiftOverlaps(Conflict):
    """The person has a shift of this kind at that time; ``shift_id`` names it."""

    code, title = "shift_overlaps", "This person already has a shift at that time"


class ShiftOver(Conflict):
    """A shift that has ended was worked: it stays on record."""

    code, title = "shift_over", "The shift has ended"
