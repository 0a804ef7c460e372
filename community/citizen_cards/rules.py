"""What is decided of a card without asking anybody: how its number is read, whether it checks, when it ends."""

import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from app.core.sealing import blind_index
from app.core.wall_time import resolve

Symbols = Literal["digits", "alphanumeric"]
Check = Literal["none", "luhn", "mod11_2", "mod97_10"]
Verifier = Literal["staff", "rule"]
CardState = Literal["pending", "verified", "refused", "removed"]
ClaimState = Literal["open", "granted", "rejected", "withdrawn"]
Refusal = Literal["not_confirmed", "not_readable", "over"]
CloseReason = Literal["not_confirmed", "not_readable", "over", "holder", "decided", "moved_out"]
Ending = Literal["refuse", "remove"]
Step = Literal["verify", "refuse", "remove"]

_WAYS: Final[dict[Step, frozenset[str]]] = {
    "verify": frozenset({"pending"}),
    "refuse": frozenset({"pending"}),
    "remove": frozenset({"pending", "verified"}),
}

VERIFY_WITHIN: Final = timedelta(days=1)
DECIDE_WITHIN: Final = timedelta(days=1)
"""How long something waits for the operator before they are reminded, again and again."""
WARN_BEFORE: Final = timedelta(days=30)
"""How long before it ends the holder of a card hears of it."""

_SHAPES: Final[dict[str, re.Pattern[str]]] = {
    "digits": re.compile(r"[0-9]+"),
    "alphanumeric": re.compile(r"[0-9A-Z]+"),
}
_VALUES: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the numbers of a scheme look like."""

    symbols: str
    shortest: int
    longest: int
    check_by: str


def normalized(number: str) -> str:
    """Return a number as it is compared: compatibility forms composed (NFKC), upper case, letters and digits alone.

    However it is spaced, hyphenated or typed in full width, it is the same card; a gate does the same with what a
    reader gives it.
    """
    return re.sub(r"[^0-9A-Z]", "", unicodedata.normalize("NFKC", number).upper())


def card_digest(community_id: uuid.UUID, scheme: str, number: str) -> bytes:
    """Return the keyed digest under which a number of a scheme is looked up within a community, however it is typed."""
    return blind_index(f"community_citizen_card\n{community_id}\n{scheme}", normalized(number))


def is_of(shape: Shape, number: str) -> bool:
    """Say whether a normalized number is of the scheme's shape and its check symbols are right."""
    if not shape.shortest <= len(number) <= shape.longest or not _SHAPES[shape.symbols].fullmatch(number):
        return False
    return _CHECKS[shape.check_by](number)


def hidden(number: str) -> str:
    """Return what is shown of a number to tell it from others: its last four symbols."""
    return f"…{number[-4:]}"


def ends_at(last_day: date, time_zone: str) -> datetime:
    """Return the instant at which a card's last day ends, on the community's wall."""
    return resolve(last_day + timedelta(days=1), time(), time_zone)


def warn_at(valid_until: datetime | None, now: datetime) -> datetime | None:
    """Return when the holder hears that a card ends, ``None`` if it does not or they are told today anyway."""
    if valid_until is None or valid_until - WARN_BEFORE <= now:
        return None
    return valid_until - WARN_BEFORE


def may(step: Step, state: str) -> bool:
    """Say whether a card in this state can go that way."""
    return state in _WAYS[step]


def _luhn(number: str) -> bool:
    """ISO/IEC 7812-1 annex B; only digits have it."""
    if not number.isdigit():
        return False
    doubled = (int(digit) * 2 if place % 2 else int(digit) for place, digit in enumerate(reversed(number)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _mod11_2(number: str) -> bool:
    """ISO 7064 MOD 11-2, as on Chinese resident identity and social security cards (GB 11643): X is ten at the end."""
    if not number[:-1].isdigit() or number[-1] not in "0123456789X":
        return False
    total = sum(pow(2, len(number) - 1 - place, 11) * int(digit) for place, digit in enumerate(number[:-1]))
    return (total + (10 if number[-1] == "X" else int(number[-1]))) % 11 == 1


def _mod97_10(number: str) -> bool:
    """ISO 7064 MOD 97-10 over digits and letters, A being 10."""
    return int("".join(str(_VALUES.index(symbol)) for symbol in number)) % 97 == 1


_CHECKS: Final = {"none": lambda _: True, "luhn": _luhn, "mod11_2": _mod11_2, "mod97_10": _mod97_10}
