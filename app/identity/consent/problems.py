"""Why a grant cannot be given or changed."""

from app.core.problems import Conflict


class GrantExists(Conflict):
    """This person already has a grant of this kind: change that one."""

    code, title = "grant_exists", "There is a grant for this person already"


class GrantEnded(Conflict):
    """The grant was revoked or has expired; a new one can be given."""

    code, title = "grant_ended", "The grant has ended"


class GrantOfAnAlarm(Conflict):
    """Emergency access is opened and closed by its alarm."""

    code, title = "grant_of_an_alarm", "Emergency access ends with its alarm"
