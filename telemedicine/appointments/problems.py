"""What can go wrong with appointments, as problems a caller can act on."""

from app.core.problems import Conflict, TooManyRequests


class NotAllowedNow(Conflict):
    """The appointment's ``appointment_status`` does not allow this, or its time has not come, or is over."""

    code, title = "appointment_status", "This cannot be done with the appointment as it is"


class AnswerTooLate(Conflict):
    """The clinic was asked until ``until``, and the time was let go then: what it would answer is asked no more."""

    code, title = "answer_too_late", "This time was let go before the clinic answered"


class TooManyHolds(TooManyRequests):
    """As many times as one person can hold at a clinic are held; confirm one, or let one go."""

    code, title = "too_many_holds", "Confirm what you have chosen first"


class TooManyAhead(Conflict):
    """As much as one person can have ahead of them at a clinic is booked; ``most`` says how much that is."""

    code, title = "too_many_ahead", "There is already as much booked at this clinic as one person can have"


class BookedElsewhere(Conflict):
    """The person is expected somewhere else at that time: nobody is at two places."""

    code, title = "booked_elsewhere", "There is another appointment at this time"


class SeriesConflict(Conflict):
    """Some of the dates cannot be had, and none was taken; ``conflicts`` says which, and what is free near each."""

    code, title = "series_conflict", "Not all of these dates are free"


class AlreadyWaiting(Conflict):
    """The person waits for this already."""

    code, title = "already_waiting", "You are on this waitlist already"
