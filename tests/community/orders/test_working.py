"""Whoever comes is found by code and calendar, is seen on the way alone, does what was agreed, and is paid for it."""

import asyncio
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.tables import table_of
from community.orders.models import POSITIONS
from community.orders.rules import LATE, WRONG_CODES
from community.orders.service import assigning
from community.orders.service.changing import HEARTHLINE
from community.workers.models import Worker
from tests.community.orders.conftest import (
    THURSDAY,
    TOTAL,
    Body,
    Scene,
    facts,
    no_drift,
    session_of_resident,
    told,
    work,
)
from tests.factories import community_workers as workers
from tests.factories import identity, media, sign_in
from tests.media.samples import photo
from tests.waiting import waits

THERE = {"latitude": 31.2, "longitude": 121.4, "accuracy": 12.5}
A_MINUTE = timedelta(minutes=1)


async def test_an_order_goes_from_the_quote_to_what_is_paid(scene: Scene, clock: ManualClock) -> None:
    order = await scene.started(clock)
    assert (order["state"], order["worker"], order["sides"]) == ("started", "Li Mei", ["worker"])

    done = await scene.do(order, "completion", {"done": ["kitchen"]}, by=scene.worker)
    assert done["state"] == "finished"
    seen = await scene.seen(order)
    assert (seen["payment"]["charged"], seen["payment"]["paid"], seen["done"]) == (TOTAL, 0, ["kitchen"])
    charges = await scene.ask("GET", f"/v1/organizations/{scene.provider.id}/charges", by=scene.keeper)
    (charge,) = charges["items"]
    payment = {"kind": "cash", "amount": TOTAL, "currency": "CNY"}
    path = f"/v1/organizations/{scene.provider.id}/charges/{charge['id']}/payments"
    await scene.ask("POST", path, payment, by=scene.keeper, expect=201)
    await work()

    closed = await scene.seen(order)
    assert (closed["state"], closed["payment"]["paid"]) == ("closed", TOTAL)
    assert await facts(order) == [
        "order_held",
        "order_placed",
        "order_assigned",
        "order_set_out",
        "order_started",
        "order_finished",
        "order_closed",
    ]
    assert [(one["transition"], one["who"]) for one in closed["history"]] == [
        ("order", "resident"),
        ("place", "hearthline"),
        ("assign", "provider"),
        ("set_out", "worker"),
        ("start", "worker"),
        ("finish", "worker"),
        ("close", "hearthline"),
    ]
    assert await told("order_finished") == {"Grace"}
    await no_drift()


async def test_nobody_is_at_two_homes_at_once(scene: Scene, clock: ManualClock) -> None:
    await scene.assigned()
    neighbour = await identity.resident(
        scene.place, name="Hu", home=await identity.household(scene.place, place=(31.23, 121.48))
    )
    body = scene.wish(starts_at=(THURSDAY + timedelta(hours=1)).isoformat())
    headers = await session_of_resident(neighbour)
    other = await scene.ask("POST", f"/v1/residents/{neighbour.id}/home-orders", body, by=headers, expect=201)

    refused = await scene.do(other, "assignment", {"worker_id": str(scene.mei.id)}, by=scene.keeper, expect=409)
    taken = await scene.do(other, "assignment", {"worker_id": str(scene.lin.id)}, by=scene.keeper)

    assert refused["code"] == "calendar_taken"
    assert (taken["state"], taken["worker"]) == ("assigned", "Wang Lin")
    assert (await scene.seen(other, scene.other))["address"] == "1 Lake Road"
    await scene.seen(other, scene.worker, expect=404)
    await no_drift()


async def test_whom_rules_speak_against_is_sent_only_despite_them(scene: Scene) -> None:
    off = await identity.staff(scene.provider, "worker", name="Zhou", phone="+8613800000011")
    row = await workers.worker(scene.provider, off, display_name="Zhou", languages=["en"], sex="male", hours=[])
    unable = await workers.skill(row, "ironing")
    order = await scene.placed(wished_languages=["zh-CN"], wished_sex="female")

    refused = await scene.do(order, "assignment", {"worker_id": str(off.id)}, by=scene.keeper, expect=409)
    assert unable.code == "ironing"
    assert (refused["code"], refused["obstacles"]) == ("worker_unsuitable", ["skill", "hours"])
    as_wished = await scene.do(order, "assignment", {"worker_id": str(scene.mei.id)}, by=scene.keeper, expect=409)
    assert as_wished["obstacles"] == ["sex"]
    body = {"worker_id": str(scene.mei.id), "despite": ["sex"]}
    given = await scene.do(order, "assignment", body, by=scene.keeper)
    assert given["history"][-1]["reason"] == "sex"
    stranger = {"worker_id": str(scene.ann.id)}
    assert (await scene.do(order, "assignment", stranger, by=scene.keeper, expect=409))["code"] == "not_a_worker"


async def test_it_is_planned_within_its_window_only(scene: Scene) -> None:
    order = await scene.placed(flexibility="PT1H")
    later = {"worker_id": str(scene.mei.id), "starts_at": (THURSDAY + timedelta(minutes=45)).isoformat()}
    too_late = later | {"starts_at": (THURSDAY + timedelta(minutes=61)).isoformat()}

    refused = await scene.do(order, "assignment", too_late, by=scene.keeper, expect=409)
    given = await scene.do(order, "assignment", later, by=scene.keeper)

    assert refused["code"] == "outside_window"
    assert (given["starts_at"], given["wanted_at"]) == ("2026-03-05T01:45:00Z", "2026-03-05T01:00:00Z")


async def test_somebody_else_goes_instead_and_everybody_hears_of_it(scene: Scene) -> None:
    order = await scene.assigned()
    await scene.do(order, "assignment", {"worker_id": str(scene.lin.id)}, by=scene.keeper)

    stale = {"If-Match": f'"{order["version"]}"'}
    path = f"/v1/home-orders/{order['id']}/assignment"
    body = {"worker_id": str(scene.mei.id)}
    assert (await scene.ask("POST", path, body, by=scene.operator, expect=412, extra=stale))["code"] == "stale_version"
    assert await told("order_not_yours") == {"Li Mei"}
    assert await told("order_yours") == {"Li Mei", "Wang Lin"}
    again = await scene.do(order, "unassignment", {"reason": "worker_ill"}, by=scene.keeper)
    assert (again["state"], again["worker_id"]) == ("placed", None)
    assert await told("order_searching") == {"Grace"}
    assert (await scene.do(order, "unassignment", {"reason": "other"}, by=scene.keeper, expect=409))["code"] == (
        "order_not_open"
    )
    await no_drift()


async def test_who_is_suspended_goes_nowhere_and_the_order_looks_for_somebody_again(scene: Scene) -> None:
    order = await scene.assigned()
    async with reading() as connection:
        rows = table_of(Worker)
        row_id = await connection.scalar(sa.select(rows.c.id).where(rows.c.account_id == scene.mei.id))
    path = f"/v1/organizations/{scene.provider.id}/workers/{row_id}/suspension"
    await scene.ask("POST", path, {"reason": "a complaint"}, by=scene.keeper)
    await work()

    seen = await scene.seen(order, scene.keeper)
    assert (seen["state"], seen["history"][-1]["reason"]) == ("placed", "suspended")
    assert await told("order_unstaffed") == {"Nora"}
    refused = await scene.do(order, "assignment", {"worker_id": str(scene.mei.id)}, by=scene.keeper, expect=409)
    assert refused["code"] == "worker_unavailable"


async def test_who_left_takes_no_order_along(scene: Scene) -> None:
    order = await scene.assigned()
    path = f"/v1/organizations/{scene.provider.id}/members/{scene.mei.id}"
    await scene.ask("DELETE", path, by=scene.operator, expect=204)
    await work()

    seen = await scene.seen(order, scene.keeper)
    assert (seen["state"], seen["history"][-1]["reason"]) == ("placed", "left")


async def test_where_somebody_is_is_seen_only_on_the_way(scene: Scene, clock: ManualClock) -> None:
    order = await scene.assigned()
    position = f"/v1/home-orders/{order['id']}/position"
    early = await scene.do(order, "on-the-way", by=scene.worker, expect=409)
    clock.set(THURSDAY - timedelta(minutes=40))
    await scene.ask("POST", position, THERE, by=scene.worker, expect=409)
    await scene.do(order, "on-the-way", by=scene.worker)
    await scene.do(order, "on-the-way", by=scene.worker)
    await scene.ask("GET", position, expect=404)
    await scene.ask("POST", position, THERE, by=scene.worker, expect=204)
    old = THERE | {"latitude": 30.0, "measured_at": (clock.now() - A_MINUTE).isoformat()}
    await scene.ask("POST", position, old, by=scene.worker, expect=204)
    clock.advance(A_MINUTE)
    await scene.ask("POST", position, THERE | {"latitude": 31.21}, by=scene.worker, expect=204)

    assert early["code"] == "too_early"
    assert (await scene.ask("GET", position))["latitude"] == 31.21
    assert (await scene.ask("GET", position, by=scene.daughter))["latitude"] == 31.21
    await scene.ask("GET", position, by=scene.other, expect=404)
    async with reading() as connection:
        (row,) = (await connection.execute(sa.select(POSITIONS))).all()
    assert "31.21" not in str(row)
    clock.set(THURSDAY)
    await scene.do(order, "start", {"code": (await scene.seen(order))["start_code"]}, by=scene.worker)
    await scene.ask("GET", position, expect=404)
    async with reading() as connection:
        assert (await connection.execute(sa.select(POSITIONS))).all() == []


async def test_the_door_is_shown_to_who_comes_around_the_visit_and_each_showing_is_on_record(
    scene: Scene, clock: ManualClock
) -> None:
    order = await scene.assigned(door_code="4711#", instructions="Mind the cat")
    door = f"/v1/home-orders/{order['id']}/door"
    early = await scene.ask("GET", door, by=scene.worker, expect=409)
    clock.set(THURSDAY - timedelta(hours=2))
    shown = await scene.ask("GET", door, by=scene.worker)
    await scene.ask("GET", door, by=scene.keeper, expect=403)
    await scene.ask("GET", door, by=scene.daughter, expect=403)
    await scene.ask("GET", door, by=scene.other, expect=404)
    clock.set(THURSDAY + timedelta(hours=2))
    late = await scene.ask("GET", door, by=scene.worker, expect=409)

    assert (early["code"], early["opens_at"]) == ("door_not_shown", "2026-03-04T23:00:00+00:00")
    assert (shown["door_code"], shown["instructions"]) == ("4711#", "Mind the cat")
    assert late["opens_at"] is None
    entries = table_of(AuditEntry)
    async with reading() as connection:
        found = await connection.scalars(sa.select(entries.c.actor_id).where(entries.c.action == "order_door:read"))
        assert list(found) == [scene.mei.id]
    for headers in (scene.resident, scene.daughter, scene.keeper, scene.operator, scene.worker):
        assert "4711" not in str(await scene.seen(order, headers))


async def test_wrong_codes_are_counted_and_then_somebody_confirms(scene: Scene, clock: ManualClock) -> None:
    order = await scene.assigned()
    code = (await scene.seen(order))["start_code"]
    wrong = {"code": f"{(int(code) + 1) % 1_000_000:06}"}
    too_early = await scene.do(order, "start", {"code": code}, by=scene.worker, expect=409)
    clock.set(THURSDAY)
    left = [(await scene.do(order, "start", wrong, by=scene.worker, expect=409))["left"] for _ in range(WRONG_CODES)]
    locked = await scene.do(order, "start", {"code": code}, by=scene.worker, expect=409)
    await scene.do(order, "start-confirmation", {"reason": "called her"}, by=scene.worker, expect=403)
    begun = await scene.do(order, "start-confirmation", {"reason": "I called her"}, by=scene.keeper)

    assert too_early["code"] == "too_early"
    assert left == [4, 3, 2, 1, 0]
    assert locked["code"] == "start_code_locked"
    assert await told("order_code_locked") == {"Nora"}
    assert (begun["state"], begun["history"][-1]["note"]) == ("started", "I called her")


async def test_nobody_at_the_door_is_told_to_everybody_and_costs_what_was_agreed(
    scene: Scene, clock: ManualClock
) -> None:
    async with unit_of_work() as session:
        offer = await session.get_one(type(scene.offer), scene.offer.id)
        offer.late_percent = 40
    order = await scene.assigned(offer_version=2)
    await scene.do(order, "no-access", {"note": "rang"}, by=scene.worker, expect=409)
    clock.set(THURSDAY + A_MINUTE)
    ended = await scene.do(order, "no-access", {"note": "rang three times"}, by=scene.worker)

    assert (ended["state"], ended["fee"]) == ("no_access", 5_000)
    assert await facts(order) == ["order_held", "order_placed", "order_assigned", "order_no_access"]
    assert await told("order_no_access") == {"Nora", "Olga"}
    assert await told("order_door_closed") == {"Grace"}
    seen = await scene.seen(order)
    assert (seen["payment"]["charged"], seen["history"][-1]["note"]) == (5_000, "rang three times")
    await no_drift()


async def test_more_time_is_had_if_the_resident_agrees(scene: Scene, clock: ManualClock) -> None:
    order = await scene.started(clock)
    extra = await scene.do(order, "extra-time", {"duration": "PT30M", "reason": "oven"}, by=scene.worker, expect=201)
    twice = await scene.do(order, "extra-time", {"duration": "PT30M"}, by=scene.worker, expect=409)
    answer = f"extra-time/{extra['id']}/answer"
    await scene.do(order, answer, {"is_approved": True}, by=scene.worker, expect=403)
    agreed = await scene.do(order, answer, {"is_approved": True}, by=scene.daughter)
    over = await scene.do(order, answer, {"is_approved": True}, expect=409)

    assert (extra["amount"], extra["state"]) == (3_000, "asked")
    assert (twice["code"], over["code"]) == ("extra_pending", "extra_over")
    assert (agreed["total"], agreed["ends_at"]) == (TOTAL + 3_000, "2026-03-05T03:30:00Z")
    assert await told("order_extra_asked") == {"Grace"}
    assert await told("order_extra_answered") == {"Li Mei"}
    await scene.do(order, "completion", {"done": ["kitchen"]}, by=scene.worker)
    seen = await scene.seen(order)
    assert (seen["payment"]["charged"], seen["payment"]["authorization"]) == (TOTAL + 3_000, "settled")
    await no_drift()


@pytest.mark.parametrize("silence", [True, False])
async def test_without_a_yes_it_stays_as_it_was_agreed(scene: Scene, clock: ManualClock, silence: bool) -> None:
    order = await scene.started(clock)
    extra = await scene.do(order, "extra-time", {"duration": "PT30M"}, by=scene.worker, expect=201)
    if silence:
        clock.advance(timedelta(minutes=15))
        await work()
    else:
        await scene.do(order, f"extra-time/{extra['id']}/answer", {"is_approved": False})

    seen = await scene.seen(order)
    assert seen["extras"][0]["state"] == ("lapsed" if silence else "declined")
    assert (seen["total"], await told("order_extra_answered")) == (TOTAL, {"Li Mei"})


async def test_what_is_left_undone_says_why(scene: Scene, clock: ManualClock) -> None:
    order = await scene.started(clock)
    refused = await scene.do(order, "completion", by=scene.worker, expect=409)
    unknown = await scene.do(order, "completion", {"done": ["roof"]}, by=scene.worker, expect=422)
    picture = await media.sent(scene.client, sign_in.access_headers(scene.worker), photo())
    await scene.do(order, "photos", {"upload_id": picture}, by=scene.worker, expect=201)
    done = await scene.do(order, "completion", {"undone_reason": "no water"}, by=scene.worker)
    again = await scene.do(order, "completion", {"undone_reason": "no water"}, by=scene.worker)

    assert (refused["code"], refused["codes"]) == ("checklist_open", ["kitchen"])
    assert unknown["errors"][0]["pointer"] == "/body/done/0"
    assert (done["undone_reason"], again["state"]) == ("no water", "finished")
    assert len((await scene.seen(order))["photos"]) == 1


async def test_that_she_is_unwell_is_a_fact_at_once(scene: Scene, clock: ManualClock) -> None:
    order = await scene.started(clock)
    note: Body = await scene.do(
        order, "notes", {"text": "She is dizzy", "is_resident_unwell": True}, by=scene.worker, expect=201
    )

    assert (await facts(order))[-1] == "resident_unwell"
    assert (await scene.seen(order))["notes"] == [note]


async def test_a_worker_sees_their_day_and_nobody_elses(scene: Scene) -> None:
    order = await scene.assigned()
    mine = await scene.ask("GET", "/v1/me/home-orders?date=2026-03-05", by=scene.worker)
    today = await scene.ask("GET", "/v1/me/home-orders", by=scene.worker)
    others = await scene.ask("GET", "/v1/me/home-orders?date=2026-03-05", by=scene.other)

    assert [(one["id"], one["name"], one["address"], one["shows_door"]) for one in mine["items"]] == [
        (order["id"], "Grace", "1 Lake Road", False)
    ]
    assert today["items"] == others["items"] == []
    await scene.do(order, "on-the-way", by=scene.other, expect=404)


async def test_what_is_anothers_by_now_is_not_taken_from_them_for_who_is_suspended(scene: Scene) -> None:
    order = await scene.assigned()
    async with reading() as connection:
        rows = table_of(Worker)
        row_id = await connection.scalar(sa.select(rows.c.id).where(rows.c.account_id == scene.mei.id))
    path = f"/v1/organizations/{scene.provider.id}/workers/{row_id}/suspension"
    await scene.ask("POST", path, {"reason": "a complaint"}, by=scene.keeper)
    async with unit_of_work() as session:
        await assigning.assign(session, HEARTHLINE, uuid.UUID(order["id"]), scene.lin.id)
        following = asyncio.create_task(work())
        await waits(following)
    await following

    seen = await scene.seen(order, scene.keeper)
    assert (seen["state"], seen["worker_id"]) == ("assigned", str(scene.lin.id))
    await no_drift()


async def test_that_she_is_unwell_is_said_from_the_door_too(scene: Scene, clock: ManualClock) -> None:
    order = await scene.assigned()
    clock.set(THURSDAY)
    unwell = {"text": "She calls from behind the door", "is_resident_unwell": True}
    await scene.do(order, "notes", unwell, by=scene.worker, expect=201)
    assert (await facts(order))[-1] == "resident_unwell"

    await scene.do(order, "no-access", {"note": "rang"}, by=scene.worker)
    await scene.do(order, "notes", unwell, by=scene.worker, expect=201)
    assert (await facts(order))[-1] == "resident_unwell"


async def test_a_closed_door_costs_nothing_if_whoever_came_was_late(scene: Scene, clock: ManualClock) -> None:
    async with unit_of_work() as session:
        offer = await session.get_one(type(scene.offer), scene.offer.id)
        offer.late_percent = 40
    order = await scene.assigned(offer_version=2)
    clock.set(THURSDAY + LATE)
    await scene.do(order, "on-the-way", by=scene.worker)
    clock.advance(A_MINUTE)
    ended = await scene.do(order, "no-access", {"note": "rang"}, by=scene.worker)

    assert (ended["state"], ended["fee"]) == ("no_access", 0)


async def test_a_closed_door_costs_what_was_agreed_if_they_waited_for_it_to_open(
    scene: Scene, clock: ManualClock
) -> None:
    async with unit_of_work() as session:
        offer = await session.get_one(type(scene.offer), scene.offer.id)
        offer.late_percent = 40
    order = await scene.assigned(offer_version=2)
    clock.set(THURSDAY)
    await scene.do(order, "on-the-way", by=scene.worker)
    clock.advance(LATE + A_MINUTE)

    assert (await scene.do(order, "no-access", {"note": "rang"}, by=scene.worker))["fee"] == 5_000
