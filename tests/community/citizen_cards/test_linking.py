"""Cards are linked by residents and who acts for them, lie sealed, count once verified, and go when removed."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.privacy import erase_subject, export_subject
from app.core.retention import FORGET_JOB
from community.citizen_cards.models import CARDS, CLAIMS
from community.citizen_cards.rules import card_digest
from community.citizen_cards.views import cards_by_digest, good_cards
from tests.community.citizen_cards.conftest import Scene, told, work
from tests.factories import identity, sign_in
from tests.factories.community_citizen_cards import DISABILITY, DISABILITY_NUMBER, TRANSPORT_NUMBER

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


async def test_a_card_counts_once_the_operator_has_seen_it(scene: Scene) -> None:
    card = await scene.linked()
    before = await scene.entitled()
    (waiting,) = await scene.queue()
    verified = await scene.verified(card)

    assert (card["state"], card["number"], before) == ("pending", "…0042", {})
    assert (waiting["resident"], waiting["full_number"]) == ("Grace", "DIS20260042")
    assert verified["state"] == "verified"
    assert await scene.entitled() == {"free_entry": card["id"], "companion": card["id"]}
    assert await told("card_verified") == ["Grace"]
    assert await scene.queue() == []


async def test_a_number_that_checks_counts_at_once_by_its_schemes_rule(scene: Scene) -> None:
    wrong = await scene.linked("4539148803436468", "transport", expect=422)
    card = await scene.linked(TRANSPORT_NUMBER, "transport")

    assert wrong["errors"][0]["pointer"] == "/body/number"
    assert card["state"] == "verified"
    assert await scene.entitled() == {"discount": card["id"]}


async def test_a_number_lies_sealed_and_nobody_is_shown_it_again(scene: Scene) -> None:
    await scene.linked()

    async with reading() as connection:
        row = (await connection.execute(sa.select(CARDS))).one()

    assert "DIS20260042" not in str(row)
    assert [one["number"] for one in await scene.listed()] == ["…0042"]


async def test_the_same_card_linked_twice_is_one_card(scene: Scene) -> None:
    first = await scene.linked()
    again = await scene.linked(" dis 2026 0042", by=scene.son)
    other = await scene.linked("DIS-2026-0043", expect=409)

    assert again["id"] == first["id"]
    assert other["code"] == "card_exists"


async def test_who_acts_for_her_links_and_removes_and_hears_of_it(scene: Scene) -> None:
    card = await scene.linked(by=scene.son)
    await scene.verified(card)
    path = f"/v1/residents/{scene.grace.id}/citizen-cards/{card['id']}"
    await scene.ask("DELETE", path, by=scene.son, expect=204)
    await scene.ask("DELETE", path, expect=204)

    assert await told("card_verified") == ["Grace", "Sam"]
    assert await scene.entitled() == {}
    (gone,) = await scene.listed()
    assert (gone["state"], gone["close_reason"], gone["number"]) == ("removed", "holder", None)
    async with reading() as connection:
        row = (await connection.execute(sa.select(CARDS))).one()
    assert (row.number, row.digest) == (None, None)
    assert (await scene.linked())["id"] != card["id"]


async def test_who_may_know_her_but_not_keep_her_profile_sees_no_card(scene: Scene) -> None:
    friend = await identity.account(scene.place, name="Fay", phone="+8613800000010")
    await identity.grant(scene.grace, friend, ["profile:read", "home_services:order"])
    looking = await sign_in.session_of(friend)
    card = await scene.linked()
    path = f"/v1/residents/{scene.grace.id}/citizen-cards"

    await scene.ask("GET", path, by=looking, expect=403)
    await scene.ask("GET", path, by=scene.neighbour, expect=404)
    await scene.ask("DELETE", f"{path}/{card['id']}", by=scene.neighbour, expect=404)
    other = f"/v1/residents/{scene.bo.id}/citizen-cards/{card['id']}"
    await scene.ask("DELETE", other, by=scene.neighbour, expect=404)
    await scene.ask("POST", f"/v1/citizen-cards/{card['id']}/verification", {}, expect=403)


async def test_a_card_entitles_until_its_last_day_is_over(scene: Scene, clock: ManualClock) -> None:
    await scene.linked(last_day="2026-03-01", expect=422)
    card = await scene.linked(last_day="2026-04-30")
    await scene.verified(card)

    last = datetime(2026, 4, 30, 15, 59, tzinfo=UTC)
    assert set(await scene.entitled(at=last)) == {"free_entry", "companion"}
    assert await scene.entitled(at=last + timedelta(minutes=1)) == {}
    await work()
    assert await told("card_ending") == []
    clock.set(MONDAY + timedelta(days=32))
    await work()
    await work()
    assert await told("card_ending") == ["Grace"]


async def test_a_kind_that_says_until_when_is_not_linked_without(scene: Scene) -> None:
    kind = {"code": "senior", "needs_last_day": True} | DISABILITY
    await scene.ask("POST", "/v1/card-schemes", kind, by=scene.operator, expect=201)

    refused = await scene.linked("12345678", "senior", expect=422)

    assert refused["errors"][0]["pointer"] == "/body/last_day"


async def test_numbers_cannot_be_tried(scene: Scene) -> None:
    for attempt in range(6):
        card = await scene.linked(f"DIS-2026-{attempt:04}")
        await scene.ask("DELETE", f"/v1/residents/{scene.grace.id}/citizen-cards/{card['id']}", expect=204)

    refused = await scene.linked("DIS-2026-0006", expect=429)
    by_another = await scene.linked("DIS-2026-0006", by=scene.son, expect=429)

    assert refused["code"] == by_another["code"] == "too_many_requests"


async def test_a_refused_card_says_why_and_can_be_linked_again(scene: Scene) -> None:
    card = await scene.linked()
    path = f"/v1/citizen-cards/{card['id']}/refusal"
    refused = await scene.ask("POST", path, {"reason": "not_readable"}, by=scene.operator)
    late = await scene.ask("POST", f"/v1/citizen-cards/{card['id']}/verification", {}, by=scene.operator, expect=409)

    assert (refused["state"], refused["close_reason"]) == ("refused", "not_readable")
    assert (late["code"], late["card_state"]) == ("card_not_pending", "refused")
    assert await told("card_refused") == ["Grace"]
    await scene.linked()


async def test_the_operator_is_reminded_of_what_nobody_looks_at(scene: Scene, clock: ManualClock) -> None:
    await scene.linked()
    await work()
    assert await told("cards_to_verify") == []
    for day in (1, 2):
        clock.set(MONDAY + timedelta(days=day, minutes=1))
        await work()

    assert await told("cards_to_verify") == ["Olga", "Olga"]


async def test_kinds_are_kept_by_the_operator(scene: Scene) -> None:
    kind = {"code": "senior"} | DISABILITY
    await scene.ask("POST", "/v1/card-schemes", kind, expect=403)
    made = await scene.ask("POST", "/v1/card-schemes", kind, by=scene.operator, expect=201)
    again = await scene.ask("POST", "/v1/card-schemes", kind, by=scene.operator, expect=409)
    path, first = f"/v1/card-schemes/{made['id']}", {"If-Match": '"1"'}
    await scene.ask("PUT", path, DISABILITY | {"is_active": False}, by=scene.operator, extra=first)
    stale = await scene.ask("PUT", path, DISABILITY, by=scene.operator, expect=412, extra=first)
    seen = [one["code"] for one in (await scene.ask("GET", "/v1/card-schemes"))["items"]]
    kept = [one["code"] for one in (await scene.ask("GET", "/v1/card-schemes", by=scene.operator))["items"]]

    assert (again["code"], stale["code"]) == ("card_scheme_exists", "stale_version")
    assert (seen, kept) == (["disability", "transport"], ["disability", "transport", "senior"])
    await scene.linked("12345678", "senior", expect=422)


async def test_what_a_kind_entitles_to_changes_for_all_but_not_how_its_numbers_look(scene: Scene) -> None:
    card = await scene.linked()
    await scene.verified(card)
    path = f"/v1/card-schemes/{scene.disability.id}"
    used = await scene.ask("PUT", path, DISABILITY | {"longest": 30}, by=scene.operator, expect=409)
    await scene.ask("PUT", path, DISABILITY | {"entitlements": ["discount"]}, by=scene.operator)

    assert used["code"] == "card_scheme_used"
    assert await scene.entitled() == {"discount": card["id"]}


@pytest.mark.parametrize(
    "changes",
    [
        {"longest": 7},
        {"verified_by": "rule"},
        {"check_by": "luhn"},
        {"entitlements": ["companion", "companion"]},
        {"entitlements": []},
        {"name": {"en": "Card"}},
    ],
)
async def test_a_kind_that_makes_no_sense_is_refused(scene: Scene, changes: dict[str, object]) -> None:
    kind = {"code": "senior"} | DISABILITY | changes
    await scene.ask("POST", "/v1/card-schemes", kind, by=scene.operator, expect=422)


async def test_gates_get_the_cards_that_are_good(scene: Scene) -> None:
    mine = await scene.linked(last_day="2026-04-30")
    await scene.verified(mine)
    await scene.linked("DIS-2026-0099", of=scene.bo, by=scene.neighbour)
    digest = card_digest(scene.place.id, "disability", DISABILITY_NUMBER)
    unknown = card_digest(scene.place.id, "disability", "DIS-2026-0099")

    async with reading() as connection:
        listed = await good_cards(connection, scene.place.id, ["free_entry"], MONDAY)
        others = await good_cards(connection, scene.place.id, ["discount"], MONDAY)
        found = await cards_by_digest(connection, scene.place.id, [digest, unknown], MONDAY)
        late = await cards_by_digest(connection, scene.place.id, [digest], MONDAY + timedelta(days=60))

    assert [(str(one.id), one.number) for one in listed] == [(mine["id"], "DIS20260042")]
    assert others == []
    assert [(one.resident_id, one.entitlements) for one in found.values()] == [
        (scene.grace.id, ("free_entry", "companion"))
    ]
    assert late == {}


async def test_what_is_held_is_handed_out_and_erased(scene: Scene) -> None:
    await scene.linked()
    await scene.linked(of=scene.bo, by=scene.neighbour, expect=409)
    async with unit_of_work() as session:
        mine = await export_subject(session, [scene.grace.id])
        theirs = await export_subject(session, [scene.bo.id])
        await erase_subject(session, [scene.grace.id])
        await erase_subject(session, [scene.bo.id])

    assert mine["community_citizen_card"][0]["number"] == "DIS20260042"
    assert "community_card_claim" not in mine
    assert theirs["community_card_claim"][0]["number"] == "DIS20260042"
    assert "community_citizen_card" not in theirs
    async with reading() as connection:
        left = [
            (await connection.execute(sa.select(sa.func.count()).select_from(one))).scalar() for one in (CARDS, CLAIMS)
        ]
    assert left == [0, 0]


async def test_who_moves_out_takes_their_cards_along(scene: Scene) -> None:
    await scene.linked()
    await scene.linked(of=scene.bo, by=scene.neighbour, expect=409)
    path = f"/v1/residents/{scene.grace.id}/closure"
    await scene.ask("POST", path, {"reason": "moved_out", "date": "2026-03-01"}, by=scene.operator, expect=201)
    await work()

    async with reading() as connection:
        (card,) = (await connection.execute(sa.select(CARDS))).all()
    assert (card.state, card.close_reason, card.number) == ("removed", "moved_out", None)
    await scene.linked(of=scene.bo, by=scene.neighbour)
    assert await scene.claims() == []


async def test_what_is_over_is_forgotten_after_a_year(scene: Scene, clock: ManualClock) -> None:
    card = await scene.linked()
    kept = await scene.linked(TRANSPORT_NUMBER, "transport")
    await scene.ask("DELETE", f"/v1/residents/{scene.grace.id}/citizen-cards/{card['id']}", expect=204)
    clock.set(MONDAY + timedelta(days=368))
    await FORGET_JOB.run()

    assert [one["id"] for one in await scene.listed()] == [kept["id"]]


async def test_of_many_who_link_one_card_at_once_one_has_it(scene: Scene) -> None:
    path = "/v1/residents/{}/citizen-cards"
    said = {"scheme": "disability", "number": DISABILITY_NUMBER}
    asked = [(scene.grace, scene.resident), (scene.bo, scene.neighbour), (scene.grace, scene.son)]
    answers = await asyncio.gather(
        *(scene.client.post(path.format(of.id), json=said, headers=sign_in.access_headers(by)) for of, by in asked)
    )

    codes = sorted(answer.status_code for answer in answers)
    assert codes in ([201, 201, 409], [201, 409, 409])
    async with reading() as connection:
        assert len((await connection.execute(sa.select(CARDS))).all()) == 1
    assert len(await scene.claims()) == 1
