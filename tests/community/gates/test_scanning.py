"""Scans are judged by what is true, in any order, once; what does not fit is the attraction's to decide."""

import itertools
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.audit_tables import AuditEntry
from app.core.database import reading, unit_of_work
from app.core.retention import forget_what_is_past
from app.core.tables import table_of
from community.gates.models import CONFLICTS, GATES, KEPT, SCANS
from community.ticket_codes import rules as codes
from community.ticket_orders.models import TICKETS
from tests.community.gates.conftest import Scene, state_of, told
from tests.community.ticket_codes.vectors import vectors
from tests.factories import community_attractions as attractions
from tests.factories import community_gates as gates
from tests.factories import identity, sign_in

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


async def test_a_ticket_lets_its_people_in_once_and_they_are_counted(scene: Scene) -> None:
    (ticket,) = await gates.tickets(scene.garden, persons=10)
    scan = await scene.of(ticket)

    assert await scene.bring([scan]) == [("admitted", None)]
    assert (await state_of(ticket), await scene.inside()) == ("admitted", 10)
    # However often it is sent: once.
    assert await scene.bring([scan, scan]) == [("admitted", None)] * 2
    scene.clock.advance(HOUR)
    assert await scene.bring([await scene.of(ticket, direction="exit")]) == [("left", None)]
    assert (await scene.inside(), await scene.conflicts()) == (0, [])


async def test_who_asks_first_is_told_before_anybody_is_in(scene: Scene) -> None:
    (ticket,) = await gates.tickets(scene.garden)
    first, again = [await scene.of(ticket, decision=None) for _ in range(2)]

    assert await scene.bring([first]) == [("admitted", None)]
    assert await scene.bring([again], scene.south) == [("refused", "already_inside")]
    assert (await scene.inside(), await scene.conflicts()) == (1, [])


async def test_who_asks_comes_after_all_who_are_in_whatever_the_scanner_says_of_when_it_was(scene: Scene) -> None:
    (ticket,), (over,) = [
        await gates.tickets(scene.garden, begins=scene.clock.now() - ago) for ago in (HOUR, gates.DAY + HOUR)
    ]
    start = scene.clock.now()
    asked = [await scene.of(one, at, decision=None) for one, at in ((ticket, start), (over, start - 2 * HOUR))]
    scene.clock.advance(MINUTE)
    assert await scene.bring([await scene.of(ticket, decision=None)], scene.south) == [("admitted", None)]

    assert await scene.bring(asked) == [("refused", "already_inside"), ("refused", "over")]
    assert (await scene.inside(), await scene.conflicts()) == (1, [])


async def test_who_was_turned_away_and_let_in_because_the_answer_was_lost_is_found(scene: Scene) -> None:
    (ticket,) = await gates.tickets(scene.garden)
    await scene.bring([await scene.of(ticket, decision=None)], scene.south)
    asked = await scene.of(ticket, decision=None)
    assert await scene.bring([asked]) == [("refused", "already_inside")]
    # The same said once more, or that nobody passed, changes nothing.
    refused = asked | {"decision": "refused", "reason": "already_inside"}
    assert await scene.bring([asked]) == await scene.bring([refused]) == [("refused", "already_inside")]

    for _ in range(2):
        assert await scene.bring([asked | {"decision": "admitted"}]) == [("conflict", "already_inside")]
    assert (await scene.inside(), len(await scene.conflicts())) == (2, 1)
    assert await scene.bring([asked]) == [("conflict", "already_inside")]


async def test_a_ticket_of_another_community_is_unknown_and_on_nobodys_trail(scene: Scene) -> None:
    elsewhere = await identity.community()
    walter = await identity.resident(elsewhere, phone="+8613800000011")
    foreign = await attractions.attraction(await attractions.organization(elsewhere))
    (ticket,) = await gates.tickets(foreign, to=walter)

    scan = scene.scan(ticket_id=str(ticket.id), override_reason="The bus was late")
    assert await scene.bring([scan]) == [("conflict", "unknown_ticket")]
    entries = table_of(AuditEntry)
    async with reading() as connection:
        trail = (await connection.execute(sa.select(entries).where(entries.c.action == "gate:override"))).one()
    assert (trail.resident_id, await state_of(ticket)) == (None, "valid")


@pytest.mark.parametrize("late", ["north", "south"])
async def test_one_ticket_at_two_gates_without_a_network_is_found_whichever_is_heard_first(
    scene: Scene, late: str
) -> None:
    (ticket,) = await gates.tickets(scene.garden)
    one = (await scene.of(ticket), scene.north)
    other = (await scene.of(ticket, scene.clock.now() + MINUTE), scene.south)
    scene.clock.advance(HOUR)
    first, second = (one, other) if late == "south" else (other, one)

    assert await scene.bring([first[0]], first[1]) == [("admitted", None)]
    assert await scene.bring([second[0]], second[1]) == [("conflict", "already_inside")]
    (found,) = await scene.conflicts()
    assert (found["ticket_id"], found["entry"]["gate"], found["other"]["gate"]) == (
        str(ticket.id),
        "South gate",
        "North gate",
    )
    assert (await scene.inside(), await told("admission_conflicts_found")) == (2, {"Nora"})
    # Sent again, each is answered as it was, and nothing is found twice.
    assert await scene.bring([second[0]], second[1]) == [("conflict", "already_inside")]
    assert await scene.bring([first[0]], first[1]) == [("admitted", None)]
    assert (len(await scene.conflicts()), await scene.inside()) == (1, 2)


async def test_the_coordinator_decides_once_with_a_note(scene: Scene) -> None:
    (ticket,) = await gates.tickets(scene.garden)
    await scene.bring([await scene.of(ticket)])
    await scene.bring([await scene.of(ticket)], scene.south)
    (found,) = await scene.conflicts()
    path = f"/v1/admission-conflicts/{found['id']}/resolution"
    decision = {"resolution": "harmless", "note": "Mother and child, one code"}

    await scene.ask("POST", path, decision, expect=403)
    await scene.ask("POST", path, decision, by=scene.resident, expect=404)
    decided = await scene.ask("POST", path, decision, by=scene.keeper)
    again = await scene.ask("POST", path, decision, by=scene.operator, expect=409)

    assert (decided["state"], decided["note"], again["code"]) == ("resolved", decision["note"], "conflict_closed")
    assert (await scene.conflicts(), len(await scene.conflicts("resolved"))) == ([], 1)
    # What is brought later of the same ticket leaves it decided.
    await scene.bring([await scene.of(ticket)])
    assert len(await scene.conflicts("resolved")) == 1


async def test_an_exit_that_is_heard_of_later_explains_the_second_entry(scene: Scene) -> None:
    (ticket,) = await gates.tickets(scene.garden, reentry="same_day")
    start = scene.clock.now()
    entry, left, back = [
        await scene.of(ticket, start + place * MINUTE, direction)
        for place, direction in enumerate(("entry", "exit", "entry"))
    ]
    scene.clock.advance(HOUR)
    await scene.bring([entry])
    assert await scene.bring([back], scene.south) == [("conflict", "already_inside")]
    assert await scene.bring([left]) == [("left", None)]

    assert (await scene.conflicts(), len(await scene.conflicts("explained")), await scene.inside()) == ([], 1, 1)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_nobody_cares_in_which_order_gates_are_heard(scene: Scene, order: tuple[int, ...]) -> None:
    (ticket,) = await gates.tickets(scene.garden)
    start = scene.clock.now()
    scans = [
        (await scene.of(ticket, start), scene.north),
        (await scene.of(ticket, start + MINUTE), scene.south),
        (await scene.of(ticket, start + 2 * MINUTE, "exit"), scene.north),
    ]
    scene.clock.advance(HOUR)
    for place in order:
        await scene.bring([scans[place][0]], scans[place][1])

    found = await scene.conflicts()
    assert [(one["entry"]["gate"], one["reason"]) for one in found] == [("South gate", "already_inside")]
    assert (await scene.inside(), await state_of(ticket)) == (1, "admitted")


async def test_reentry_is_what_was_sold(scene: Scene) -> None:
    once, again = (await gates.tickets(scene.garden))[0], (await gates.tickets(scene.garden, reentry="same_day"))[0]
    for ticket in (once, again):
        await scene.bring([await scene.of(ticket, decision=None)])
        scene.clock.advance(MINUTE)
        await scene.bring([await scene.of(ticket, direction="exit")])
        scene.clock.advance(MINUTE)

    assert await scene.bring([await scene.of(once, decision=None)]) == [("refused", "no_reentry")]
    assert await scene.bring([await scene.of(again, decision=None)]) == [("admitted", None)]


async def test_a_group_comes_in_parts_and_no_more_of_it_than_was_sold(scene: Scene) -> None:
    (ticket,) = await gates.tickets(scene.garden, persons=10)
    parts = []
    for persons in (7, 3, 1):
        scene.clock.advance(MINUTE)
        parts += await scene.bring([await scene.of(ticket, decision=None, persons=persons)])

    assert parts == [("admitted", None), ("admitted", None), ("refused", "already_inside")]
    assert await scene.inside() == 10


async def test_what_is_no_ticket_here_and_now_is_refused(scene: Scene) -> None:
    lakeside = await attractions.attraction(scene.museums, name={"en": "Lakeside", "zh-CN": "湖畔"})
    now = scene.clock.now()
    good, elsewhere, later, early, moved, given_back = [
        (await gates.tickets(where, begins=begins, **values))[0]
        for where, begins, values in (
            (scene.garden, now, {}),
            (lakeside, now, {}),
            (scene.garden, now + HOUR, {}),
            (scene.garden, now - 9 * HOUR, {}),
            (scene.garden, now, {"revision": 2}),
            (scene.garden, now, {"state": "refunded"}),
        )
    ]
    scans = [await scene.of(one, decision=None) for one in (good, elsewhere, later, early, given_back)]
    moved.revision = 1
    scans.append(await scene.of(moved, decision=None))

    assert await scene.bring(scans) == [
        ("admitted", None),
        ("refused", "other_attraction"),
        ("refused", "not_yet"),
        ("refused", "over"),
        ("refused", "revoked"),
        ("refused", "revoked"),
    ]
    assert await scene.inside() == 1


async def test_what_was_forged_cut_off_or_signed_by_nobody_is_refused(scene: Scene) -> None:
    (ticket,) = await gates.tickets(scene.garden)
    (text,) = await gates.texts([ticket])
    raw = bytearray(codes.decode(text))
    raw[30] += 1
    by_others = {case["expected"]: case["text"] for case in vectors()["cases"]}
    texts = [codes.encode(bytes(raw)), text[:-3], "", by_others["unknown_key"], by_others["wrong_version"]]
    scans = [scene.scan(text=one, decision=None) for one in texts]

    reasons = ["forged", "malformed", "malformed", "unknown_key", "wrong_version"]
    assert await scene.bring(scans) == [("refused", reason) for reason in reasons]
    # A scanner that lets somebody in all the same has to be looked at.
    told_so = scene.scan(text=texts[0])
    assert await scene.bring([told_so]) == [("conflict", "forged")]
    assert ([one["reason"] for one in await scene.conflicts()], await scene.inside()) == (["forged"], 1)
    # Exits by it are nobody's.
    assert await scene.bring([scene.scan(direction="exit", text=texts[0])]) == [("refused", "forged")]
    assert await scene.inside() == 1


async def test_a_key_that_was_replaced_still_opens_and_a_leaked_one_does_not(scene: Scene) -> None:
    old, new = await gates.tickets(scene.garden, 2)
    scans = [await scene.of(old, decision=None)]
    await scene.ask("POST", "/v1/ticket-keys", {}, by=scene.operator, expect=201)
    scans.append(await scene.of(new, decision=None))
    assert await scene.bring(scans) == [("admitted", None)] * 2
    (leaked,) = await gates.tickets(scene.garden)
    scan = await scene.of(leaked, decision=None)
    await scene.ask("POST", "/v1/ticket-keys", {"is_compromised": True}, by=scene.operator, expect=201)

    assert await scene.bring([scan]) == [("refused", "unknown_key")]


@pytest.mark.parametrize(("ahead", "side"), [(5 * HOUR, "ahead"), (-3 * HOUR, "behind")])
async def test_a_clock_that_is_hours_off_is_corrected_and_the_coordinator_told(
    scene: Scene, ahead: timedelta, side: str
) -> None:
    (ticket,) = await gates.tickets(scene.garden)
    scanned = scene.clock.now() + 10 * MINUTE
    scene.clock.advance(HOUR)
    scan = await scene.of(ticket, scanned + ahead)

    assert await scene.bring([scan], ahead=ahead) == [("admitted", None)]
    async with reading() as connection:
        kept = (await connection.execute(sa.select(SCANS))).one()
        gate = (await connection.execute(sa.select(GATES).where(GATES.c.id == scene.north.id))).one()
    assert (kept.scanned_at, kept.clock_ahead, gate.clock_ahead) == (scanned, ahead.total_seconds(), kept.clock_ahead)
    assert await told("gate_clock_wrong") == {"Nora"}
    shown = (await scene.ask("GET", "/v1/gates"))["items"][0]
    assert (shown["name"], shown["clock_ahead"]) == ("North gate", ahead.total_seconds())


async def test_what_a_scanner_knew_of_its_clock_counts_if_it_was_set_meanwhile(scene: Scene) -> None:
    right, yet_to_come = await gates.tickets(scene.garden, 2)
    start = scene.clock.now()
    scene.clock.advance(HOUR)
    scans = [
        await scene.of(right, start + 5 * HOUR, clock_ahead=5 * 3600),
        await scene.of(yet_to_come, start + 5 * HOUR, clock_ahead=0),
    ]
    # By the time it sends the clock is right.
    await scene.bring(scans)

    async with reading() as connection:
        kept = {row.ticket_id: row.scanned_at for row in await connection.execute(sa.select(SCANS))}
    assert kept == {right.id: start, yet_to_come.id: scene.clock.now()}


async def test_who_is_let_in_all_the_same_is_somebodys_decision_and_on_the_trail(scene: Scene) -> None:
    late, used, given_back = [
        (await gates.tickets(scene.garden, to=scene.grace, **values))[0]
        for values in ({"begins": scene.clock.now() - 9 * HOUR}, {}, {"state": "refunded"})
    ]
    await scene.bring([await scene.of(used)])
    reason = "The bus was late"
    scans = [
        scene.scan(ticket_id=str(late.id), override_reason=reason),
        await scene.of(used, override_reason=reason, decision=None),
        scene.scan(ticket_id=str(given_back.id), override_reason=reason),
    ]

    assert await scene.bring(scans) == [("admitted", None), ("admitted", None), ("conflict", "revoked")]
    assert (await state_of(late), await scene.inside()) == ("admitted", 4)
    entries = table_of(AuditEntry)
    async with reading() as connection:
        trail = (await connection.execute(sa.select(entries).where(entries.c.action == "gate:override"))).all()
        kept = (await connection.execute(sa.select(SCANS).where(SCANS.c.overridden_by.is_not(None)))).all()
    assert {(one.object_id, one.resident_id) for one in trail} == {
        (ticket.id, scene.grace.id) for ticket in (late, used, given_back)
    }
    assert {one.actor_id for one in trail} == {one.overridden_by for one in kept} == {scene.worker.account_id}
    assert reason not in {one.override_reason for one in kept}
    missing = {"scans": [scene.scan(ticket_id=str(late.id))], "sent_at": scene.clock.now().isoformat()}
    assert (await scene.ask("POST", f"/v1/gates/{scene.north.id}/scans", missing, expect=422))["errors"]


async def test_a_refund_that_was_first_makes_the_entry_a_conflict(scene: Scene) -> None:
    (ticket,) = await gates.tickets(scene.garden)
    scan = await scene.of(ticket)
    async with unit_of_work() as session:
        await session.execute(sa.update(TICKETS).values(state="refunded", closed_at=scene.clock.now()))
    scene.clock.advance(HOUR)

    assert await scene.bring([scan]) == [("conflict", "revoked")]
    assert (await state_of(ticket), [one["reason"] for one in await scene.conflicts()]) == ("refunded", ["revoked"])


async def test_scans_too_old_to_judge_are_kept_and_change_nothing(scene: Scene) -> None:
    (ticket,) = await gates.tickets(scene.garden)
    scan = await scene.of(ticket, scene.clock.now() - timedelta(days=32))

    assert await scene.bring([scan]) == [("refused", "too_old")]
    assert (await state_of(ticket), await scene.inside()) == ("valid", 0)


async def test_whom_a_gate_refused_is_not_inside_and_it_said_why(scene: Scene) -> None:
    (ticket,) = await gates.tickets(scene.garden)
    scan = await scene.of(ticket, decision="refused", reason="not_yet")

    for _ in range(2):
        assert await scene.bring([scan]) == [("refused", "not_yet")]
    assert (await state_of(ticket), await scene.inside()) == ("valid", 0)


@pytest.mark.parametrize("year", [1900, 1970, 2199])
async def test_a_clock_of_another_century_is_a_clock_that_is_off(scene: Scene, year: int) -> None:
    (ticket,) = await gates.tickets(scene.garden)
    now = scene.clock.now()
    there = now.replace(year=year)

    assert await scene.bring([await scene.of(ticket, there)], ahead=there - now) == [("admitted", None)]


async def test_scans_and_what_did_not_fit_are_forgotten_after_half_a_year(scene: Scene) -> None:
    (ticket,) = await gates.tickets(scene.garden)
    await scene.bring([await scene.of(ticket), await scene.of(ticket)])
    scene.clock.advance(KEPT + timedelta(days=1))
    while await forget_what_is_past():
        pass

    async with reading() as connection:
        left = [await connection.scalar(sa.select(sa.func.count()).select_from(one)) for one in (SCANS, CONFLICTS)]
    assert left == [0, 0]


async def test_only_who_works_there_scans_and_only_the_coordinator_keeps(scene: Scene) -> None:
    rivals = await attractions.organization(scene.place, name="Hilltop")
    stranger = await sign_in.session_of(await identity.staff(rivals, "worker", phone="+8613800000009"))
    body = {"scans": [scene.scan(text="")], "sent_at": scene.clock.now().isoformat()}
    path = f"/v1/gates/{scene.north.id}"

    for by, status in ((stranger, 404), (scene.resident, 404), (scene.worker, 200), (scene.operator, 200)):
        await scene.ask("GET", f"{path}/bundle", by=by, expect=status)
        await scene.ask("POST", f"{path}/scans", body, by=by, expect=status)
        listed = (await scene.ask("GET", "/v1/gates", by=by))["items"]
        assert len(listed) == (2 if status == 200 else 0)
    gate_path = f"/v1/attractions/{scene.garden.id}/gates"
    await scene.ask("POST", gate_path, {"name": "East gate"}, expect=403)
    made = await scene.ask("POST", gate_path, {"name": "East gate"}, by=scene.keeper, expect=201)
    await scene.ask("POST", gate_path, {"name": "East gate"}, by=scene.keeper, expect=409)
    closed = {"name": "East gate", "is_active": False}
    await scene.ask("PUT", f"/v1/gates/{made['id']}", closed, by=scene.keeper, extra={"If-Match": '"9"'}, expect=412)
    await scene.ask("PUT", f"/v1/gates/{made['id']}", closed, by=scene.keeper, extra={"If-Match": '"1"'})
    refused = await scene.ask("POST", f"/v1/gates/{made['id']}/scans", body, expect=409)
    assert refused["code"] == "gate_closed"
