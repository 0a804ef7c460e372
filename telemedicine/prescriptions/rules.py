"""Pure decisions about prescriptions: which status follows, and what an exact look at codes warns of."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

Status = Literal["draft", "active", "completed", "stopped", "cancelled"]
"""Of FHIR R4, MedicationRequest.status, verbatim: signed is ``active``, all dispensed or expired ``completed``."""
Dispensing = Literal["none", "partial", "complete"]
Warned = Literal["allergy", "duplicate"]
Code = tuple[str, str]
"""System and code."""

TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "draft": frozenset({"active", "cancelled"}),
    "active": frozenset({"completed", "stopped"}),
    "completed": frozenset(),
    "stopped": frozenset(),
    "cancelled": frozenset(),
}
"""Every change of status there is."""
RENEWABLE: Final = ("active", "completed")
"""What can be asked for again, and replaced."""
TAKEN_FOR: Final = timedelta(days=90)
"""For how long what was dispensed counts as being taken: another of the same is a duplicate."""

MOST_IN_FORCE: Final = 100
LONGEST_LINE: Final = 20
"""So many that replaced each other are looked back to: what follows one of them knows the last or the one before."""

ANSWERED_WITHIN: Final = timedelta(hours=24)
"""How long who signed, and then the whole clinic, is waited for before others hear of a request for a renewal."""
REMINDED_AGAIN: Final = timedelta(hours=72)
"""How often the clinic's coordinators hear of one that is still not answered."""
TO_CLINICIANS: Final = 1
"""The step at which all clinicians hear of it; at each further one the coordinators do."""


def may_become(before: str, after: str) -> bool:
    """Say whether a prescription may go from one status to another."""
    return after in TRANSITIONS[before]


@dataclass(frozen=True, slots=True)
class Known:
    """Something that is known of a resident, and the codes it has: an allergy, or what is prescribed already."""

    kind: Warned
    of: str
    codes: frozenset[Code]


def warnings(prescribed: Collection[Code], known: Collection[Known]) -> Iterator[tuple[Known, Code]]:
    """Yield what shares a code with what is prescribed, and the code.

    Codes are equal or they are not: no hierarchy of substances, no classes, no words are compared.
    """
    for each in known:
        for code in sorted(each.codes & set(prescribed)):
            yield each, code


def dispensing(times: int, repeats: int) -> Dispensing:
    """Say how much of a prescription was handed out: once and ``repeats`` times again is all of it."""
    return "none" if times == 0 else "partial" if times <= repeats else "complete"


def taken_until(before: date | None, day: date, supply_days: int | None) -> date:
    """Return the last day for which there is something to take, once there was something handed out on ``day``.

    What is handed out before the last is used up lasts longer by as much. Where nobody said how long it lasts, it
    counts for ``TAKEN_FOR``, as it does for warnings of duplicates.
    """
    first = day if before is None or supply_days is None else max(day, before + timedelta(days=1))
    return first + timedelta(days=TAKEN_FOR.days if supply_days is None else supply_days - 1)


def expires_at(valid_until: date, time_zone: str) -> datetime:
    """Return the end of the last day on which a prescription can be dispensed, where the resident lives."""
    return datetime.combine(valid_until + timedelta(days=1), time(), ZoneInfo(time_zone))
