"""The page verifies tickets by itself, written from their documented format: it says the same as every scanner."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, Final

from community.ticket_codes.rules import TAG_LENGTH
from tests.community.ticket_codes.vectors import FILE
from tests.portal.gates.scripts import answers

VECTORS: Final[dict[str, Any]] = json.loads(FILE.read_text())


def unpadded(raw: bytes) -> str:
    """Return bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


KEYS: Final = [
    {"number": key["number"], "public": unpadded(bytes.fromhex(key["public"]))}
    for key in VECTORS["keys"]
    if key["listed"]
]


def test_it_says_of_every_vector_what_the_format_says(tmp_path: Path) -> None:
    cases = VECTORS["cases"]
    assert len(VECTORS["attraction_tag"]) == 2 * TAG_LENGTH
    texts = [{"text": case["text"], "at": case["at"]} for case in cases]
    said = answers(tmp_path, "codes", {"keys": KEYS, "tag": VECTORS["attraction_tag"], "texts": texts})
    assert [(case["name"], answer["verdict"]) for case, answer in zip(cases, said, strict=True)] == [
        (case["name"], case["expected"]) for case in cases
    ]
    for case, answer in zip(cases, said, strict=True):
        if case["expected"] == "valid":
            code = answer["code"]
            flags = code["isNameChecked"] + 2 * code["isEntitlementShown"] + 4 * code["mayReturn"]
            assert (code["ticketId"], code["keyNumber"]) == (case["ticket_id"], case["says"]["key"])
            assert (code["persons"], code["revision"], flags) == tuple(
                case["says"][name] for name in ("persons", "revision", "flags")
            )


def test_a_card_is_the_same_however_it_is_typed(tmp_path: Path) -> None:
    salt = b"salt of this list"
    numbers = ["SC 2049-77 x", "sc204977X", "ＳＣ２０４９７７Ｘ", "SC204978X"]
    said = answers(tmp_path, "digests", {"salt": unpadded(salt), "numbers": numbers})
    assert said[0] == unpadded(hashlib.sha256(salt + b"SC204977X").digest()[:16])
    assert said[0] == said[1] == said[2] != said[3]


TICKET: Final[str] = VECTORS["cases"][0]["ticket_id"]
NOON: Final = "2026-05-01T04:00:00Z"


def case(name: str) -> dict[str, Any]:
    return next(found for found in VECTORS["cases"] if found["name"] == name)


def bundle(**more: Any) -> dict[str, Any]:
    empty = {"revoked": [], "admitted": [], "cards": {"salt": unpadded(b"salt"), "digests": []}}
    return {"attraction_tag": VECTORS["attraction_tag"], "keys": KEYS, **empty, **more}


def decisions(directory: Path, carried: dict[str, Any], *scans: tuple[str, str]) -> list[tuple[str, str | None]]:
    """Return what a gate with this bundle decides of texts and directions, one after the other."""
    asked = [{"text": text, "at": NOON, "direction": direction} for text, direction in scans]
    said = answers(directory, "scans", {"bundle": carried, "scans": asked})
    return [(one["decision"], one["reason"]) for one in said]


def test_a_ticket_lets_in_once_and_again_only_where_it_may(tmp_path: Path) -> None:
    once, again = case("valid")["text"], case("valid with every flag and many persons")["text"]
    ways = ["entry", "entry", "exit", "exit", "entry"]
    assert decisions(tmp_path, bundle(), *((once, way) for way in ways)) == [
        ("admitted", None),
        ("refused", "already_inside"),
        ("admitted", None),
        ("admitted", "not_admitted"),
        ("refused", "no_reentry"),
    ]
    assert decisions(tmp_path, bundle(), *((again, way) for way in ways))[-1] == ("admitted", None)
    # Somebody another gate let in: out, and only then in again.
    elsewhere = bundle(admitted=[TICKET])
    assert decisions(tmp_path, elsewhere, (once, "entry"), (once, "exit"), (once, "entry")) == [
        ("refused", "already_inside"),
        ("admitted", None),
        ("refused", "no_reentry"),
    ]


def test_what_was_refunded_opens_nothing_and_a_newer_code_of_the_ticket_does(tmp_path: Path) -> None:
    carried = bundle(revoked=[{"ticket_id": TICKET, "revision": 1}])
    newer = case("valid with every flag and many persons")["text"]
    scans = ((case("valid")["text"], "entry"), (newer, "entry"))
    assert decisions(tmp_path, carried, *scans) == [("refused", "revoked"), ("admitted", None)]


FREE: Final = {
    "entitlement": "free_entry",
    "persons": 2,
    "ticket_id": None,
    "valid_from": None,
    "valid_until": None,
    "may_return": True,
}


def by_ticket(ticket_id: str, begins: str, ends: str, **more: Any) -> dict[str, Any]:
    """Return how a card stands for a ticket on the first of May."""
    times = {"valid_from": f"2026-05-{begins}:00Z", "valid_until": f"2026-05-{ends}:00Z"}
    return {"entitlement": None, "persons": 1, "ticket_id": ticket_id, "may_return": False, **times, **more}


def test_a_card_lets_in_by_the_list(tmp_path: Path) -> None:
    digest = unpadded(hashlib.sha256(b"salt" + b"SC204977X").digest()[:16])
    cards = {"salt": unpadded(b"salt"), "digests": [{"digest": digest, **FREE}]}
    once, again = ("SC 204977X", "entry"), ("sc-204977x", "entry")
    scans = (
        once,
        again,
        again,
        ("SC204977X", "exit"),
        again,
        ("SC204978X", "entry"),
        ("a=b1234", "entry"),
        ("..", "exit"),
    )
    # With a companion, each scanned for; who went out comes in again the same day.
    assert decisions(tmp_path, bundle(cards=cards), *scans) == [
        ("admitted", None),
        ("admitted", None),
        ("refused", "already_inside"),
        ("admitted", None),
        ("admitted", None),
        ("refused", "unknown_card"),
        ("refused", "malformed"),
        ("refused", "malformed"),
    ]


def test_a_card_in_place_of_a_tickets_code_is_that_ticket(tmp_path: Path) -> None:
    digest = unpadded(hashlib.sha256(b"salt" + b"SC204977X").digest()[:16])
    card = {"digest": digest, **by_ticket(TICKET, "01T01:00", "01T09:00")}
    carried = bundle(cards={"salt": unpadded(b"salt"), "digests": [card]})
    scans = (("SC 204977X", "entry"), (case("valid")["text"], "entry"))
    assert decisions(tmp_path, carried, *scans) == [("admitted", None), ("refused", "already_inside")]


def test_whoever_answers_for_it_lets_in_on_a_real_ticket_alone(tmp_path: Path) -> None:
    names = ("the moment it is over", "for another attraction", "one bit of the signature is another", "nothing")
    texts = [case(name)["text"] for name in names]
    asked = [{"text": text, "at": "2026-05-01T09:30:00Z", "direction": "entry"} for text in texts]
    said = answers(tmp_path, "scans", {"bundle": bundle(), "scans": asked})
    assert [one["overridable"] for one in said] == [True, False, False, False]


def test_a_card_opens_at_the_times_of_its_tickets_and_again_where_they_do(tmp_path: Path) -> None:
    digest = unpadded(hashlib.sha256(b"salt" + b"SC204977X").digest()[:16])
    tomorrow = by_ticket("of tomorrow", "02T01:00", "02T09:00")
    today = by_ticket("of today", "01T01:00", "01T09:00")
    back = today | {"may_return": True}
    over = FREE | {"valid_until": "2026-05-01T03:00:00Z"}
    ways = ["entry", "exit", "entry"]

    def decided(*cards: dict[str, Any]) -> list[tuple[str, str | None]]:
        listed = {"salt": unpadded(b"salt"), "digests": [{"digest": digest, **one} for one in cards]}
        return decisions(tmp_path, bundle(cards=listed), *(("SC 204977X", way) for way in ways))

    assert decided(tomorrow)[0] == ("refused", "not_yet")
    assert decided(over)[0] == decided(over, tomorrow)[0] == ("refused", "over")
    assert [found[0] for found in (decided(tomorrow, today), decided(tomorrow, FREE))] == [("admitted", None)] * 2
    assert (decided(today)[-1], decided(back)[-1]) == (("refused", "no_reentry"), ("admitted", None))
