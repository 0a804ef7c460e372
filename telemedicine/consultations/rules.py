"""Pure decisions about video visits: who may do what when, which state follows, who sits where, who is polite."""

import hashlib
import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

State = Literal["planned", "waiting", "in_progress", "ended", "expired", "cancelled"]
Role = Literal["clinician", "resident", "family", "interpreter", "consultant"]
Standing = Literal["invited", "waiting", "admitted", "left", "removed"]

EARLY: Final = timedelta(minutes=30)
"""How long before the planned begin the waiting room opens."""
LATE: Final = timedelta(minutes=30)
"""How long after the planned end a visit that nobody holds stays open."""
EMPTY: Final = timedelta(minutes=15)
"""How long a visit under way stays open after the last sign of life: networks come back."""
WRITING: Final = timedelta(hours=12)
"""How long after a visit its clinician can write the note on the page they held it on."""
AWAY: Final = timedelta(seconds=30)
"""Without a sign of life for that long somebody counts as not there."""

SEATS: Final = 4
"""A mesh sends everybody's picture to everybody: more than four is too much for a phone."""
MOST_GUESTS: Final = 6
"""Clinicians of other clinics count among them."""
LONGEST: Final = timedelta(hours=4)

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    "planned": frozenset({"waiting", "in_progress", "ended", "expired", "cancelled"}),
    "waiting": frozenset({"planned", "in_progress", "ended", "expired", "cancelled"}),
    "in_progress": frozenset({"ended"}),
    "ended": frozenset(),
    "expired": frozenset(),
    "cancelled": frozenset(),
}
PATIENTS_SIDE: Final = frozenset({"resident", "family"})
"""Whom the visit is for, and who speaks for them: an interpreter and a clinician by themselves are no visit."""
OPEN: Final[frozenset[State]] = frozenset(state for state, following in TRANSITIONS.items() if following)


_CREDENTIAL: Final = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")


def digest(secret: str) -> bytes:
    """Return the SHA-256 of 256 random bits: nothing slower is needed, they cannot be guessed."""
    return hashlib.sha256(secret.encode()).digest()


def read_credential(text: str) -> tuple[uuid.UUID, bytes] | None:
    """Return whose link or pass a text claims to be, and the digest that must be theirs; ``None`` for what is none."""
    matched = _CREDENTIAL.fullmatch(text)
    return (uuid.UUID(matched[1]), digest(matched[2])) if matched else None


@dataclass(frozen=True, slots=True)
class Person:
    """A participant as the rules see them."""

    role: str
    state: str
    is_present: bool


def state_with(state: State, people: Collection[Person]) -> State:
    """Return the state of an open visit that these people take part in.

    It is under way once the clinician and the resident, or a relative of theirs, are in it together; from then on it
    only ends. Before that it is waited for as soon as anybody but the clinician is there.
    """
    if state not in OPEN or state == "in_progress":
        return state
    there = [person for person in people if person.is_present]
    inside = {person.role for person in there if person.state == "admitted"}
    if "clinician" in inside and inside & PATIENTS_SIDE:
        return "in_progress"
    waits = any(person.role != "clinician" for person in there)
    return "waiting" if waits else state


def is_arrival(role: str, *, is_guest: bool) -> bool:
    """Say whether whoever comes is the patient, or somebody they let speak for them: a guest has nobody's leave."""
    return role in PATIENTS_SIDE and not is_guest


def ended_at(last_seen: datetime | None, now: datetime) -> datetime:
    """Return when a visit ended that is ended now: with the last sign of life, if that was some time ago."""
    return now if last_seen is None or now - last_seen <= AWAY else last_seen


def opens_at(starts_at: datetime) -> datetime:
    """Return when people can enter the waiting room."""
    return starts_at - EARLY


def closes_at(ends_at: datetime) -> datetime:
    """Return when a visit that nobody holds closes by itself."""
    return ends_at + LATE


def seat_for(role: str, taken: Collection[int]) -> int | None:
    """Return the seat somebody is given, ``None`` if there is none.

    The clinician's and the resident's are kept for them: who the visit is between is never locked out by guests.
    """
    wanted = {"clinician": (0,), "resident": (1,)}.get(role, range(2, SEATS))
    return next((seat for seat in wanted if seat not in taken), None)


def is_polite(own_seat: int, other_seat: int) -> bool:
    """Say whether, of two whose offers collide, the one on ``own_seat`` gives way (W3C WebRTC, perfect negotiation)."""
    return own_seat > other_seat
