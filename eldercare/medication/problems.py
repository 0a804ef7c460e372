"""What can go wrong with medication, as problems a caller can act on."""

from app.core.problems import Conflict


class RegimenOverlaps(Conflict):
    """The resident already has a regimen of this drug in these days; ``regimen_id`` says which."""

    code, title = "regimen_overlaps", "There is a regimen of this drug already"


class RegimenStateConflict(Conflict):
    """A regimen does not go from the state it is in to the one asked for."""

    code, title = "regimen_state_conflict", "The regimen cannot become that now"


class RegimenStopped(Conflict):
    """The regimen was stopped; nothing of it can change any more."""

    code, title = "regimen_stopped", "The regimen was stopped"


class NotAsNeeded(Conflict):
    """The regimen is not active, or its doses are planned: those are recorded one by one."""

    code, title = "not_as_needed", "This regimen has no doses to be taken as needed"


class DoseNotOpen(Conflict):
    """The dose lies too far ahead; ``opens_at`` says from when it can be recorded."""

    code, title = "dose_not_open", "This dose cannot be recorded yet"


class DoseAlreadyRecorded(Conflict):
    """Somebody recorded the dose; ``confirmed`` says that it was really taken once more."""

    code, title = "dose_already_recorded", "This dose was recorded already"


class NothingToWithdraw(Conflict):
    """Nobody recorded this dose, or so long ago that what was recorded stands."""

    code, title = "nothing_to_withdraw", "There is no record to withdraw"


class DoseTooSoon(Conflict):
    """The regimen's own interval since another dose of the drug is not over; ``not_before`` says when it is."""

    code, title = "dose_too_soon", "The interval between doses is not over"


class DailyMaximumReached(Conflict):
    """With this dose more than the regimen's own maximum would have been taken within 24 hours."""

    code, title = "daily_maximum_reached", "The maximum for 24 hours is reached"


class StockNotKept(Conflict):
    """Nobody has said how much of the drug is there; say so first."""

    code, title = "stock_not_kept", "No stock is kept for this regimen"
