"""Roll-calls: lists that come late and twice count once, and whoever is not there by then is missing, once."""

import asyncio
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock as clocks
from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.failures import STUCK_AFTER
from app.core.parked_rows import retry_set_aside
from app.core.tables import table_of
from app.identity.api import people
from community.trips import rules
from community.trips.models import MARKS
from notifications.inbox.models import INBOX
from tests.community.orders.conftest import Body
from tests.community.trips.conftest import BUS, DAY, HOME, HOUR, LAKE, LEAVES, MINUTE, Trips, facts, mark, told, work
from tests.factories import identity, sign_in

COUNTED = LEAVES + rules.COUNTED
# The database refuses that somebody is missing, as it does when it cannot write.
_FAULT = (
    "CREATE OR REPLACE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'out of order'; END $$",
    """CREATE TRIGGER fault BEFORE UPDATE ON community_trip_participant FOR EACH ROW
       WHEN (NEW.state = 'missing') EXECUTE FUNCTION fault()""",
)


async def two(trips: Trips, clock: ManualClock) -> tuple[Body, Body]:
    """Have Grace and Hu go along, and the bus be at the gate."""
    grace = await trips.join()
    hu, _ = await trips.joined("Hu")
    await work()
    clock.set(LEAVES - 10 * MINUTE)
    return grace, hu


async def notices(key: str) -> int:
    async with reading() as connection:
        found = sa.select(sa.func.count()).where(INBOX.c.notice_key == f"community.{key}")
        return await connection.scalar(found) or 0


async def test_everybody_is_counted_and_nobody_is_told(trips: Trips, clock: ManualClock) -> None:
    grace, hu = await two(trips, clock)
    seen = await trips.ask("GET", trips.roll(BUS), by=trips.scene.worker)
    assert [(one["name"], one["seen_position"]) for one in seen["people"]] == [("Grace", 0), ("Hu", 0)]
    assert seen["state"] == "ahead"
    for stop, at in ((BUS, LEAVES), (LAKE, LEAVES + 2 * HOUR), (HOME, LEAVES + 3 * HOUR)):
        clock.set(at)
        found = await trips.count(stop, [mark(grace), mark(hu)], is_complete=True)
        assert (found["state"], found["missing"]) == ("done", [])
    clock.set(LEAVES + 5 * HOUR)
    await work()
    shown = await trips.ask("GET", f"/v1/trips/{trips.trip['id']}", by=trips.scene.keeper)
    assert shown["state"] == "over"
    assert await told("trip_missing") == await told("trip_roll_call_due") == set()


async def test_who_is_not_counted_by_the_deadline_is_missing_once_and_told_again(
    trips: Trips, clock: ManualClock
) -> None:
    grace, hu = await two(trips, clock)
    await trips.count(BUS, [mark(hu)])
    clock.set(COUNTED - MINUTE)
    await work()
    assert (await trips.seen(grace))["state"] == "going"
    clock.set(COUNTED)
    await work()
    await work()
    assert [(await trips.seen(one))["state"] for one in (grace, hu)] == ["missing", "going"]
    assert (await facts(grace)).count("trip_participant_missing") == 1
    assert await told("trip_missing") == {"Li Mei", "Olga"}
    before = await notices("trip_missing")
    clock.advance(rules.LOOKING[0])
    await work()
    assert await notices("trip_missing") == before + 2

    history = (await trips.seen(grace))["history"]
    assert (history[-1]["transition"], history[-1]["who"]) == ("miss", "hearthline")
    found = await trips.count(BUS, [mark(grace, note="was in the lavatory")])
    assert found["missing"] == []
    await work()
    assert (await trips.seen(grace))["state"] == "going"
    assert await facts(grace) == ["trip_joined", "trip_participant_missing", "trip_participant_found"]
    assert await told("trip_found") == {"Li Mei", "Olga"}
    clock.advance(DAY)
    before = await notices("trip_missing")
    await work()
    assert await notices("trip_missing") == before


async def test_a_fault_at_the_deadline_is_heard_of_and_forgets_nobody(trips: Trips, clock: ManualClock) -> None:
    grace, hu = await two(trips, clock)
    await trips.count(BUS, [mark(hu)])
    async with unit_of_work() as session:
        for statement in _FAULT:
            await session.execute(sa.text(statement))
    clock.set(COUNTED)
    await work()
    assert (await trips.seen(grace))["state"] == "going"
    assert await told("trip_missing") == await told("trip_roll_call_undone") == set()
    for _ in range(STUCK_AFTER):
        clock.advance(HOUR)
        await retry_set_aside()
        await work()
    assert await told("trip_roll_call_undone") == {"Olga"}
    async with unit_of_work() as session:
        await session.execute(sa.text("DROP FUNCTION fault() CASCADE"))
    clock.advance(HOUR)
    await retry_set_aside()  # a job of the worker's own
    await work()
    assert [(await trips.seen(one))["state"] for one in (grace, hu)] == ["missing", "going"]
    assert (await facts(grace)).count("trip_participant_missing") == 1
    assert await told("trip_missing") == {"Li Mei", "Olga"}


async def test_a_list_written_offline_counts_once_in_whatever_order_it_comes(trips: Trips, clock: ManualClock) -> None:
    grace, hu = await two(trips, clock)
    at_gate = [mark(grace, at=LEAVES - 5 * MINUTE), mark(hu, at=LEAVES - 4 * MINUTE)]
    at_lake = [mark(grace, at=LEAVES + 2 * HOUR), mark(hu, "missing", LEAVES + 2 * HOUR)]
    clock.set(LEAVES + 3 * HOUR)
    later = await trips.count(LAKE, at_lake)
    assert later["missing"] == [hu["id"]]
    earlier = await trips.count(BUS, at_gate, is_complete=True)
    assert [one["outcome"] for one in earlier["outcomes"]] == ["superseded", "superseded"]
    assert earlier["missing"] == [hu["id"]]
    again = [await trips.count(LAKE, at_lake), await trips.count(BUS, at_gate, is_complete=True)]
    assert [one["outcomes"] for one in again] == [later["outcomes"], earlier["outcomes"]]
    assert (await facts(hu)).count("trip_participant_missing") == 1
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(MARKS)) == 4
    seen = await trips.ask("GET", trips.roll(LAKE), by=trips.scene.worker)
    assert [one["seen_position"] for one in seen["people"]] == [LAKE + 1, BUS + 1]


async def test_one_list_sent_by_two_phones_at_once_counts_once(trips: Trips, clock: ManualClock) -> None:
    grace, hu = await two(trips, clock)
    body = {"marks": [mark(grace, "missing"), mark(hu)], "sent_at": clock.now().isoformat(), "is_complete": True}
    answers = await asyncio.gather(
        *(
            trips.scene.client.post(trips.roll(BUS), json=body, headers=sign_in.access_headers(session))
            for session in (trips.scene.worker, trips.scene.keeper)
        )
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["outcomes"] == answers[1].json()["outcomes"]
    assert (await facts(grace)).count("trip_participant_missing") == 1


async def test_a_late_list_finds_who_was_missed_by_the_deadline_alone(trips: Trips, clock: ManualClock) -> None:
    grace, hu = await two(trips, clock)
    list_at_gate = [mark(grace, at=LEAVES - MINUTE), mark(hu, at=LEAVES)]
    await trips.count(BUS, list_at_gate[1:])
    clock.set(COUNTED)
    await work()
    assert (await trips.seen(grace))["state"] == "missing"
    clock.advance(HOUR)
    assert (await trips.count(BUS, list_at_gate))["missing"] == []

    clock.set(LEAVES + 2 * HOUR)
    await trips.count(LAKE, [mark(hu)], is_complete=True)
    assert (await trips.seen(grace))["state"] == "missing"
    # That she was in the bus in the morning does not find her at the lake.
    found = await trips.count(BUS, [mark(grace, at=LEAVES)])
    assert (found["outcomes"][0]["outcome"], found["missing"]) == ("superseded", [grace["id"]])
    clock.advance(MINUTE)
    assert (await trips.count(HOME, [mark(grace)]))["missing"] == []


async def test_a_clock_that_is_off_by_hours_is_reckoned_with(trips: Trips, clock: ManualClock) -> None:
    grace, hu = await two(trips, clock)
    fast = timedelta(hours=5)
    wrong = [mark(grace, at=clocks.now() + fast), mark(hu, "missing", clocks.now() + fast)]
    await trips.count(BUS, wrong, sent_at=(clocks.now() + fast).isoformat())
    clock.advance(MINUTE)
    # By our clock it was a minute ago: what is marked now comes later.
    found = await trips.count(BUS, [mark(hu)])
    assert (found["outcomes"][0]["outcome"], found["missing"]) == ("applied", [])


async def test_of_who_leaves_nobody_is_missing_and_a_strangers_mark_is_nobodys(
    trips: Trips, clock: ManualClock
) -> None:
    grace, hu = await two(trips, clock)
    stranger = mark({"id": str(clocks.new_id())})
    found = await trips.count(BUS, [mark(grace), mark(hu, "left", note="went home with her son"), stranger])
    assert [one["outcome"] for one in found["outcomes"]] == ["applied", "applied", "unknown_participation"]
    clock.set(LEAVES + 2 * HOUR)
    assert (await trips.count(LAKE, [mark(grace)], is_complete=True))["missing"] == []
    assert (await trips.seen(hu))["state"] == "left"
    assert await trips.states() == {grace["resident_id"]: "going", hu["resident_id"]: "left"}
    called_off, session = grace, trips.scene.resident
    await trips.do(called_off, "cancellation", {"reason": "unwell"}, by=session, expect=409)


async def test_a_roll_call_nobody_does_reminds_its_leaders_and_then_the_desk_until_it_is_done(
    trips: Trips, clock: ManualClock
) -> None:
    grace, hu = await two(trips, clock)
    clock.set(COUNTED)
    await work()
    assert (await told("trip_roll_call_due"), await told("trip_roll_call_undone")) == ({"Li Mei"}, set())
    clock.advance(rules.REMINDING[0])
    await work()
    assert await told("trip_roll_call_undone") == {"Olga"}
    before = await notices("trip_roll_call_undone")
    clock.advance(rules.REMINDING[1])
    await work()
    assert await notices("trip_roll_call_undone") == before + 1
    assert [(await trips.seen(one))["state"] for one in (grace, hu)] == ["going", "going"]

    # Who begins so late has some minutes for the rest.
    await trips.count(BUS, [mark(grace)])
    await work()
    assert (await trips.seen(hu))["state"] == "going"
    clock.advance(rules.FINISHING)
    await work()
    assert (await trips.seen(hu))["state"] == "missing"


async def test_that_one_stays_at_home_is_no_counting_of_the_others(trips: Trips, clock: ManualClock) -> None:
    grace, hu = await two(trips, clock)
    assert (await trips.count(BUS, [mark(hu, "left")]))["state"] == "ahead"
    clock.set(COUNTED)
    await work()
    assert await told("trip_roll_call_due") == {"Li Mei"}
    assert (await trips.seen(grace))["state"] == "going"


async def test_what_was_written_before_the_trip_says_nothing_of_it(trips: Trips, clock: ManualClock) -> None:
    grace, _ = await two(trips, clock)
    stale = await trips.count(BUS, [mark(grace, at=LEAVES - DAY), mark(grace, "missing", LEAVES - DAY)])
    assert [one["outcome"] for one in stale["outcomes"]] == ["superseded", "superseded"]
    assert stale["missing"] == []
    await trips.count(BUS, [], is_complete=True)
    assert (await trips.seen(grace))["state"] == "missing"


async def test_a_trip_is_not_over_before_all_are_back(trips: Trips, clock: ManualClock) -> None:
    grace, hu = await two(trips, clock)
    clock.set(LEAVES + 3 * HOUR)
    await trips.count(HOME, [mark(grace)], is_complete=True)
    clock.set(LEAVES + 8 * HOUR)
    await work()
    path = f"/v1/trips/{trips.trip['id']}"
    assert (await trips.ask("GET", path))["state"] == "open"
    await trips.count(HOME, [mark(hu, "left", note="at the clinic with her son")])
    clock.advance(HOUR)
    await work()
    assert (await trips.ask("GET", path))["state"] == "over"


async def test_who_was_found_by_a_list_that_came_after_the_end_is_missed_at_the_end(
    trips: Trips, clock: ManualClock
) -> None:
    grace, hu = await two(trips, clock)
    await trips.count(BUS, [mark(grace), mark(hu)], is_complete=True)
    clock.set(LEAVES + 2 * HOUR)
    await trips.count(LAKE, [mark(hu), mark(grace, "missing")])
    clock.set(LEAVES + 3 * HOUR)
    await trips.count(HOME, [mark(hu)], is_complete=True)
    # They found her at the lake, and told of it late: that says nothing of her having come home.
    found = await trips.count(LAKE, [mark(grace, at=LEAVES + 2 * HOUR + 5 * MINUTE)])
    assert (found["outcomes"][0]["outcome"], found["missing"]) == ("applied", [grace["id"]])
    await trips.count(HOME, [mark(hu, "left", at=LEAVES + 3 * HOUR)])
    assert (await trips.count(LAKE, [mark(hu, at=LEAVES + 3 * HOUR)]))["missing"] == [grace["id"]]
    clock.advance(MINUTE)
    assert (await trips.count(HOME, [mark(grace)]))["missing"] == []
    assert (await facts(grace)).count("trip_participant_missing") == 2


async def test_who_moves_out_while_the_bus_is_under_way_is_counted_to_the_end(trips: Trips, clock: ManualClock) -> None:
    grace, hu = await two(trips, clock)
    await trips.count(BUS, [mark(grace), mark(hu)], is_complete=True)
    clock.set(LEAVES + HOUR)
    closing = {"reason": "moved_out", "date": "2026-03-02"}
    path = f"/v1/residents/{trips.scene.grace.id}/closure"
    await trips.ask("POST", path, closing, by=trips.scene.operator, expect=201)
    await work()
    clock.set(LEAVES + 2 * HOUR)
    found = await trips.count(LAKE, [mark(hu)], is_complete=True)
    assert found["missing"] == [grace["id"]]
    assert await told("trip_missing") == {"Li Mei"}


async def test_the_list_of_a_stop_farther_on_does_not_stand_for_those_before_it(
    trips: Trips, clock: ManualClock
) -> None:
    grace, hu = await two(trips, clock)
    wrong = await trips.count(HOME, [mark(grace), mark(hu)], is_complete=True, expect=409)
    assert wrong["code"] == "roll_call_too_early"
    await trips.count(BUS, [mark(grace), mark(hu)], is_complete=True)
    clock.set(LEAVES + 2 * HOUR - MINUTE)
    seen = await trips.ask("GET", trips.roll(HOME), by=trips.scene.worker)
    assert seen["opens_at"] == (LEAVES + 2 * HOUR).isoformat().replace("+00:00", "Z")
    await trips.count(HOME, [mark(grace), mark(hu)], expect=409)
    # The bus that leaves the lake early, with everybody, is counted at home when it is there.
    await trips.count(LAKE, [mark(grace), mark(hu)], is_complete=True)
    assert (await trips.count(HOME, [mark(grace), mark(hu)], is_complete=True))["missing"] == []


async def test_only_who_leads_it_counts_and_whom_to_call_is_shown_around_the_trip_on_record(
    trips: Trips, clock: ManualClock
) -> None:
    grace, _ = await two(trips, clock)
    scene = trips.scene
    path = f"/v1/trip-participations/{grace['id']}/emergency-contacts"
    clock.set(LEAVES - 3 * HOUR)
    assert (await trips.ask("GET", path, by=scene.worker, expect=409))["code"] == "contacts_not_shown"
    early = await trips.count(BUS, [mark(grace)], expect=409)
    assert early["code"] == "roll_call_too_early"
    clock.set(LEAVES - HOUR)
    seen = await trips.ask("GET", path, by=scene.worker)
    assert seen["contacts"] == [{"name": "Bea", "phone": "+86 138 0000 0042", "relationship": "daughter"}]
    for by, expect in ((scene.keeper, 403), (scene.operator, 403), (scene.resident, 403), (scene.other, 404)):
        await trips.ask("GET", path, by=by, expect=expect)
    for by, expect in ((scene.resident, 403), (scene.other, 403), (scene.operator, 200)):
        await trips.ask("GET", trips.roll(BUS), by=by, expect=expect)
    table = table_of(AuditEntry)
    async with reading() as connection:
        shown = sa.select(table.c.actor_id).where(table.c.action == "trip_contacts:read")
        assert list(await connection.scalars(shown)) == [scene.mei.id]
        assert (await people(connection, [scene.mei.id]))[scene.mei.id].name == "Li Mei"
    clock.set(LEAVES + 3 * HOUR + rules.CONTACTS_AFTER)
    await trips.ask("GET", path, by=scene.worker, expect=409)


async def test_who_is_of_the_organization_no_more_leads_nothing(trips: Trips, clock: ManualClock) -> None:
    await two(trips, clock)
    assert [one["id"] for one in (await trips.ask("GET", "/v1/me/led-trips", by=trips.scene.worker))["items"]] == [
        trips.trip["id"]
    ]
    stranger = await identity.account(trips.scene.place, name="Nobody")
    body: dict[str, Any] = {"leader_ids": [str(stranger.id)]}
    await trips.keep("leaders", body, method="PUT", expect=422)
    await trips.keep("leaders", {"leader_ids": [str(trips.scene.lin.id)]}, method="PUT")
    await trips.ask("GET", trips.roll(BUS), by=trips.scene.worker, expect=403)
    await trips.ask("GET", trips.roll(BUS), by=trips.scene.other)
    assert await told("trip_leading") == {"Li Mei", "Wang Lin"}
