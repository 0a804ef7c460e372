"""The test vectors of ticket codes, made by hand from the documented layout: nothing of ours that signs or encodes.

``python -m tests.community.ticket_codes.vectors`` prints what ``vectors.json`` holds, for scanners in any language.
"""

import hashlib
import json
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FILE: Final = Path(__file__).with_name("vectors.json")
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_ATTRACTION: Final = uuid.UUID("019d3b52-0c00-7000-8000-00000000a001")
_ELSEWHERE: Final = uuid.UUID("019d3b52-0c00-7000-8000-00000000a002")
_TICKET: Final = uuid.UUID("019d3b52-0c00-7000-8000-000000000042")
_SEEDS: Final = {number: hashlib.sha256(f"hearthline vector key {number}".encode()).digest() for number in (1, 2, 3)}
_FROM: Final = datetime(2026, 5, 1, 1, 0, tzinfo=UTC)
_UNTIL: Final = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
_NOON: Final = "2026-05-01T04:00:00Z"


def vectors() -> dict[str, Any]:
    """Return keys, and texts with what every scanner must say of each at an instant."""
    plain = _fields()
    good = _signed(plain)
    text = _text(good)
    cases = [
        _case("valid", good),
        _case("valid with every flag and many persons", _signed(_fields(persons=255, revision=9, flags=7))),
        _case("valid from its first minute", good, at="2026-05-01T01:00:00Z"),
        _case("valid until its last second", good, at="2026-05-01T09:29:59Z"),
        _case("signed by the key before, which still verifies", _signed(_fields(key=1), 1)),
        _case("signed by a key nobody lists", _signed(_fields(key=3), 3), "unknown_key"),
        _case("signed by another key than it names", _signed(plain, 3), "forged"),
        _case("one bit of the signature is another", good[:-1] + bytes([good[-1] ^ 1]), "forged"),
        _case("more persons than were signed", good[:30] + b"\x05" + good[31:], "forged"),
        _case("signed without HL1 before it", plain + _key(2).sign(plain), "forged"),
        _case("a later version", _signed(_fields(version=2)), "wrong_version"),
        _case("a flag that version 1 does not know, signed", _signed(_fields(flags=8)), "malformed"),
        _case("byte 33 is not zero, signed", _signed(_fields(rest=1)), "malformed"),
        _case("for another attraction", _signed(_fields(attraction=_ELSEWHERE)), "other_attraction"),
        _case("a second before it is valid", good, "not_yet", at="2026-05-01T00:59:59Z"),
        _case("the moment it is over", good, "over", at="2026-05-01T09:30:00Z"),
        _said("nothing", ""),
        _said("the prefix alone", "HL1:"),
        _said("cut off after half", text[: len(text) // 2]),
        _said("cut off by one group", text[:-3]),
        _said("cut off by one character", text[:-1]),
        _said("one group too long", text + "000"),
        _said("another prefix", "HC1:" + text[4:]),
        _said("in lower case", text.lower()),
        _said("a character Base45 does not have", text[:40] + "#" + text[41:]),
        _said("a character beyond ASCII", text[:40] + "é" + text[41:]),
        _said("a group that is more than two bytes", text[:-3] + ":::"),
        _said("spaces around it", f" {text} "),
        _said("something else altogether", "https://example.org/tickets/42"),
    ]
    return {
        "format": "HL1",
        "attraction_id": str(_ATTRACTION),
        "attraction_tag": _tag(_ATTRACTION).hex(),
        "keys": [
            {"number": number, "seed": seed.hex(), "public": _key(number).public_key().public_bytes_raw().hex()}
            | {"listed": number != 3}
            for number, seed in _SEEDS.items()
        ],
        "cases": cases,
    }


def _fields(
    *,
    version: int = 1,
    key: int = 2,
    attraction: uuid.UUID = _ATTRACTION,
    persons: int = 1,
    revision: int = 1,
    flags: int = 0,
    rest: int = 0,
) -> bytes:
    minutes = [int(at.timestamp()) // 60 for at in (_FROM, _UNTIL)]
    return b"".join(
        [
            bytes([version, key]),
            _TICKET.bytes,
            *(minute.to_bytes(4, "big") for minute in minutes),
            _tag(attraction),
            bytes([persons, revision, flags, rest]),
        ]
    )


def _key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_SEEDS[number])


def _signed(fields: bytes, key: int = 2) -> bytes:
    return fields + _key(key).sign(b"HL1" + fields)


def _tag(attraction: uuid.UUID) -> bytes:
    return hashlib.sha256(attraction.bytes).digest()[:4]


def _text(payload: bytes) -> str:
    """Encode as RFC 9285 says in section 4, pair by pair."""
    found = ""
    for at in range(0, len(payload), 2):
        number = payload[at] * 256 + payload[at + 1]
        for _ in range(3):
            number, digit = divmod(number, 45)
            found += _ALPHABET[digit]
    return "HL1:" + found


def _case(name: str, payload: bytes, expected: str = "valid", *, at: str = _NOON) -> dict[str, Any]:
    case: dict[str, Any] = {"name": name, "at": at, "payload": payload.hex(), "text": _text(payload)}
    case["expected"] = expected
    if expected == "valid":
        case["ticket_id"] = str(_TICKET)
        case["says"] = {
            "key": payload[1],
            "valid_from": _FROM.isoformat(),
            "valid_until": _UNTIL.isoformat(),
            "persons": payload[30],
            "revision": payload[31],
            "flags": payload[32],
        }
    return case


def _said(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "at": _NOON, "text": text, "expected": "malformed"}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n")
