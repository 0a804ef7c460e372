"""What a gate takes along: enough to decide by, and nothing of whom."""

import base64
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from app.core.database import unit_of_work
from community.gates.models import Gate
from community.ticket_codes import rules as codes
from community.ticket_orders.models import TICKETS, Ticket
from tests.community.gates.conftest import Scene, base64url
from tests.factories import community_attractions as attractions
from tests.factories import community_citizen_cards as cards
from tests.factories import community_gates as gates
from tests.factories import identity, sign_in

NUMBER = "DIS20260042"
HOUR = timedelta(hours=1)


async def bundle(scene: Scene, gate: Gate | None = None) -> dict[str, Any]:
    """Return what a gate takes along."""
    found: dict[str, Any] = await scene.ask("GET", f"/v1/gates/{(gate or scene.north).id}/bundle")
    return found


async def test_it_says_which_tickets_open_no_more_and_nothing_of_others(scene: Scene) -> None:
    lakeside = await attractions.attraction(scene.museums, name={"en": "Lakeside", "zh-CN": "湖畔"})
    now = scene.clock.now()
    (good,) = await gates.tickets(scene.garden)
    (moved,) = await gates.tickets(scene.garden, revision=3)
    (given_back,) = await gates.tickets(scene.garden, state="refunded")
    (used,) = await gates.tickets(scene.garden, state="admitted", admitted_at=now)
    await gates.tickets(lakeside, state="refunded")
    await gates.tickets(scene.garden, state="refunded", begins=now + timedelta(days=3))
    text = (await gates.texts([good]))[0]
    found = await bundle(scene)

    revoked = {one["ticket_id"]: one["revision"] for one in found["revoked"]}
    assert revoked == {str(moved.id): 2, str(given_back.id): 1}
    assert found["admitted"] == [str(used.id)]
    assert found["attraction_tag"] == codes.attraction_tag(scene.garden.id).hex()
    assert [(key["number"], key["valid_until"]) for key in found["keys"]] == [(1, None)]
    assert datetime.fromisoformat(found["valid_until"]) > now + timedelta(hours=24)
    # What it carries verifies what visitors show.
    raw = {key["number"]: codes.loaded({key["number"]: _bytes(key["public"])}) for key in found["keys"]}
    assert codes.verify(text, raw[1]).ticket_id == good.id


async def test_it_is_sent_again_only_when_something_changed(scene: Scene) -> None:
    (ticket,) = await gates.tickets(scene.garden)
    path = f"/v1/gates/{scene.north.id}/bundle"

    async def asked(etag: str | None = None) -> tuple[int, str]:
        headers = sign_in.access_headers(scene.worker) | ({"If-None-Match": etag} if etag else {})
        answer = await scene.client.get(path, headers=headers)
        return answer.status_code, answer.headers["ETag"]

    _, etag = await asked()
    assert await asked(etag) == (304, etag)
    async with unit_of_work() as session:
        await session.execute(sa.update(TICKETS).values(version=TICKETS.c.version + 1, state="refunded"))
    status, changed = await asked(etag)
    assert (status, changed != etag) == (200, True)
    await cards.card(scene.grace, await cards.scheme(scene.place))
    status, with_card = await asked(changed)
    assert (status, with_card != changed) == (200, True)
    await scene.ask("POST", "/v1/ticket-keys", {}, by=scene.operator, expect=201)
    status, with_key = await asked(with_card)
    assert status == 200
    scene.clock.advance(timedelta(hours=1))
    assert (await asked(with_key))[0] == 200
    assert str(ticket.id) in [one["ticket_id"] for one in (await bundle(scene))["revoked"]]


async def test_cards_are_digests_that_mean_nothing_at_another_gate(scene: Scene) -> None:
    walter = await identity.resident(scene.place, name="Walter", phone="+8613800000008")
    anna = await identity.resident(scene.place, name="Anna", phone="+8613800000010")
    disability = await cards.scheme(scene.place)
    transport = await cards.scheme(scene.place, "transport", **cards.TRANSPORT)
    await cards.card(scene.grace, disability)
    await cards.card(walter, transport, cards.TRANSPORT_NUMBER)
    await cards.card(anna, transport, "4539 1488 0343 6475")
    (ticket,) = await gates.tickets(scene.garden, to=walter, persons=2)
    await gates.terms(scene.garden, "free_entry", admits_companion=True)
    north, south = await bundle(scene), await bundle(scene, scene.south)

    by_digest = {one.pop("digest"): one for one in north["cards"]["digests"]}
    free = {"entitlement": "free_entry", "persons": 2, "may_return": True}
    own = {"entitlement": None, "persons": 2, "may_return": False, "ticket_id": str(ticket.id)}
    assert by_digest == {
        base64url(gates.digest(scene.north, NUMBER)): free
        | {"ticket_id": None, "valid_from": None, "valid_until": None},
        base64url(gates.digest(scene.north, "4539148803436467")): own | times(ticket),
    }
    assert not by_digest.keys() & {one["digest"] for one in south["cards"]["digests"]}
    said = orjson.dumps([north, south]).decode()
    people = ("Grace", "Walter", "4539148803436467", NUMBER, str(scene.grace.id), str(walter.id), "6000")
    assert [word for word in people if word in said] == []


async def test_a_card_is_listed_with_each_of_its_holders_tickets_and_when_it_opens(scene: Scene) -> None:
    now = scene.clock.now()
    card = await cards.card(scene.grace, await cards.scheme(scene.place), last_day=now.date())
    await gates.terms(scene.garden, "free_entry")
    tomorrow, yesterday, used, bought = [
        (await gates.tickets(scene.garden, to=scene.grace, begins=now + after, **values))[0]
        for after, values in (
            (timedelta(days=1), {"reentry": "same_day"}),
            (timedelta(hours=-20), {}),
            (timedelta(), {"state": "admitted", "admitted_at": now}),
            (HOUR, {"card_id": card.id}),
        )
    ]
    found = (await bundle(scene))["cards"]["digests"]

    # As scans are judged: what was bought with it, what is not used, what is; and without a ticket while it is good.
    assert [one["ticket_id"] for one in found] == [
        *(str(one.id) for one in (bought, yesterday, tomorrow, used)),
        None,
    ]
    assert [{name: one[name] for name in TIMES} for one in found[:3]] == [
        times(one) for one in (bought, yesterday, tomorrow)
    ]
    assert [one["may_return"] for one in found] == [False, False, True, False, True]
    assert (found[-1]["valid_from"], found[-1]["entitlement"]) == (None, "free_entry")
    assert datetime.fromisoformat(found[-1]["valid_until"]) == card.valid_until


TIMES = ("valid_from", "valid_until")


def times(ticket: Ticket) -> dict[str, str]:
    """Return when a ticket is valid, as the API says it."""
    return {name: getattr(ticket, name).isoformat().replace("+00:00", "Z") for name in TIMES}


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=")
