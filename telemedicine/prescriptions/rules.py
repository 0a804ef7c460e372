"""Pure decisions about prescriptions: which status follows, and what an exact look at codes warns of."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

Status = Literal["draft", "active", "completed", "stopped", "cancelled"]
"""Of FHIR R4, MedicationRequest.status, verbatim: signed is ``active``, dispensed ``completed``."""
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
