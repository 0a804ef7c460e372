"""Who needs somebody, who is fine, and the one reason that is shown for it: a table that SQL and Python both read."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, get_args

Group = Literal["needs", "waiting", "missed", "away", "fine", "unasked"]
Reason = Literal[
    "alarm",
    "asked_for_help",
    "not_answered_yet",
    "in_hospital",
    "away",
    "check_in_missed",
    "not_reached",
    "help_asked_earlier",
    "visit_missed",
    "visit_late",
    "dose_missed",
    "carer_is_there",
    "carer_was_there",
    "answered",
    "active_at_home",
    "asked_later",
    "not_asked",
    "nothing_known",
]

GROUPS: Final[tuple[Group, ...]] = get_args(Group)
"""The groups, in the order they are shown: whoever needs somebody first."""
ATTENTION: Final[frozenset[Group]] = frozenset({"needs", "waiting", "missed"})
"""Those of whom somebody should look after one; the others can be thousands, and are counted first."""

_WELL: Final[tuple[Reason, ...]] = ("carer_is_there", "carer_was_there", "answered", "active_at_home")


class Case(NamedTuple):
    """A reason, the group it puts somebody in, and what sets it right if it came later."""

    reason: Reason
    group: Group
    made_good_by: tuple[Reason, ...] = ()


CASES: Final[tuple[Case, ...]] = (
    Case("alarm", "needs"),
    # Nobody whose alarms one may not see is fine because of that: the call for help stands until they say otherwise.
    Case("asked_for_help", "needs", ("answered",)),
    Case("not_answered_yet", "waiting"),
    Case("in_hospital", "away"),
    Case("away", "away"),
    Case("check_in_missed", "missed", _WELL),
    Case("not_reached", "missed", _WELL),
    Case("help_asked_earlier", "missed", ("answered",)),
    Case("visit_missed", "missed", ("carer_is_there", "carer_was_there")),
    Case("visit_late", "missed"),
    # A dose is not taken by being well.
    Case("dose_missed", "missed"),
    Case("carer_is_there", "fine"),
    Case("carer_was_there", "fine", ("answered", "active_at_home")),
    Case("answered", "fine", ("active_at_home",)),
    Case("active_at_home", "fine"),
    Case("asked_later", "unasked"),
    Case("not_asked", "unasked"),
    # To whoever may not see whether somebody is asked, nothing is said of it.
    Case("nothing_known", "unasked"),
)
"""What decides, in this order: the first that is known of somebody and that nothing later has made good."""

LONGEST_DAY: Final = timedelta(hours=25)
LATEST_SETTLED: Final = timedelta(hours=6)
"""So long before a day begins check-ins are looked at that may be settled in it."""
LATEST_VISIT: Final = timedelta(hours=12)


class Verdict(NamedTuple):
    """Where somebody stands: the group, the reason, and the instant that goes with the reason."""

    group: Group
    reason: Reason
    at: datetime | None


def decide(known: Mapping[Reason, datetime]) -> Verdict:
    """Return where somebody stands of whom these instants are known; what may not be seen is not among them.

    Of what is later the later word counts; at the same instant the first of ``CASES``.
    """
    for case in CASES:
        at = known.get(case.reason)
        if at is not None and not any(known[good] > at for good in case.made_good_by if good in known):
            return Verdict(case.group, case.reason, at)
    return Verdict("unasked", "nothing_known", None)
