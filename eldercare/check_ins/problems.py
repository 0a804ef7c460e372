"""What can go wrong with check-ins, as problems a caller can act on."""

from app.core.problems import Conflict, Malformed


class CheckInNotOpen(Conflict):
    """The check-in is not due yet; ``opens_at`` says from when it can be answered."""

    code, title = "check_in_not_open", "This check-in cannot be answered yet"


class AnswerContradicts(Conflict):
    """Somebody already asked for help here; an all-clear goes through the alarm, to a person."""

    code, title = "answer_contradicts", "Help was already asked for"


class PlanEnded(Conflict):
    """The plan has ended; nothing of it can change any more."""

    code, title = "check_in_plan_ended", "The plan has ended"


class ChannelNotSuitable(Malformed):
    """The resident cannot hear a call, or asked not to be called."""

    code, title = "channel_not_suitable", "The resident cannot be asked this way"
