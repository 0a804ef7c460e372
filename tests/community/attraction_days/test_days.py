"""An attraction's day in counts: slots, sales, visitors by the quarter hour, scans with their reasons."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from community.attraction_days.rules import counted_since
from community.attraction_days.views import days as views
from community.attractions import jobs as opening_jobs
from community.attractions.models import Attraction
from community.attractions.service.deriving import derive
from tests.community.gates.conftest import Scene
from tests.factories import community_attractions as attractions
from tests.factories import community_gates as gates
from tests.factories import community_ticketing as ticketing
from tests.factories import community_tickets as sold
from tests.factories import identity, sign_in

NINE = datetime(2026, 3, 3, 1, tzinfo=UTC)
"""Nine in the morning in Shanghai, on the day after the tests' Monday."""


def _of(scene: Scene, what: str) -> str:
    return f"/v1/organizations/{scene.museums.id}/attractions/{scene.garden.id}/{what}"


async def test_slots_say_what_is_sold_left_waited_for_and_who_came(scene: Scene, clock: ManualClock) -> None:
    adult = await ticketing.product(scene.museums, scene.garden.id)
    group = await ticketing.product(scene.museums, scene.garden.id, "group", kind="group", persons=10)
    slots = await ticketing.slots(scene.museums, scene.garden.id, [NINE, NINE + timedelta(hours=1)], capacity=20)
    await sold.sold(scene.nora, scene.museums, slots[0], adult, quantity=2)
    cart = await sold.sold(scene.nora, scene.museums, slots[0], group)
    await sold.wait(scene.grace, slots[0], adult, quantity=3)
    clock.set(NINE)
    ticket = await sold.ticket_row(cart.orders[0].tickets[0].id)
    (text,) = await gates.texts([ticket])
    assert await scene.bring([scene.scan(NINE, text=text, persons=10)]) == [("admitted", None)]
    path = _of(scene, f"slot-sales?from={NINE:%Y-%m-%dT%H:%M:%SZ}")
    found = (await scene.ask("GET", path))["items"]
    counts = ("capacity", "taken", "left", "sold", "scanned", "waiting", "state")
    assert [tuple(one[name] for name in counts) for one in found] == [
        (20, 12, 8, 12, 10, 3, "open"),
        (20, 0, 20, 0, 0, 0, "open"),
    ]
    first = await scene.ask("GET", f"{path}&limit=1")
    rest = await scene.ask("GET", f"{path}&limit=1&cursor={first['next']}")
    assert [one["id"] for one in first["items"] + rest["items"]] == [one["id"] for one in found]


async def test_sales_are_told_by_day_and_product(scene: Scene) -> None:
    adult = await ticketing.product(scene.museums, scene.garden.id)
    slots = await ticketing.slots(scene.museums, scene.garden.id, [NINE, NINE + timedelta(days=1)])
    await sold.sold(scene.nora, scene.museums, slots[0], adult, quantity=2)
    await sold.sold(scene.nora, scene.museums, slots[1], adult)
    found = await scene.ask("GET", _of(scene, "ticket-sales?first_day=2026-03-03&last_day=2026-03-04"), by=scene.keeper)
    assert [(one["day"], one["tickets"], one["amount"], one["refunded"]) for one in found["lines"]] == [
        ("2026-03-03", 2, 12_000, 0),
        ("2026-03-04", 1, 6_000, 0),
    ]
    await scene.ask("GET", _of(scene, "ticket-sales?first_day=2026-03-03&last_day=2026-03-04"), expect=403)
    await scene.ask(
        "GET", _of(scene, "ticket-sales?first_day=2026-03-03&last_day=2027-03-03"), by=scene.keeper, expect=422
    )


async def test_a_day_says_who_came_by_the_quarter_hour_and_why_some_did_not(scene: Scene, clock: ManualClock) -> None:
    first, second, later = await gates.tickets(scene.garden, 3, begins=NINE, persons=2)
    clock.set(NINE + timedelta(hours=1))
    await scene.bring(
        [
            await scene.of(first, NINE + timedelta(minutes=5), persons=2),
            await scene.of(second, NINE + timedelta(minutes=20), persons=2),
            await scene.of(first, NINE + timedelta(minutes=50), "exit", persons=2),
        ]
    )
    refused = {**await scene.of(later, NINE - timedelta(hours=1)), "decision": "refused", "reason": "not_yet"}
    assert await scene.bring([refused]) == [("refused", "not_yet")]
    found = await scene.ask("GET", _of(scene, "visitor-days/2026-03-03"))
    steps = [(one["at"][11:16], one["entries"], one["exits"], one["inside"]) for one in found["steps"]]
    assert steps == [("01:15", 2, 0, 2), ("01:30", 2, 0, 4), ("01:45", 0, 0, 4), ("02:00", 0, 2, 2)]
    assert (found["entries"], found["exits"], found["inside"], found["level"]) == (4, 2, 2, None)
    assert found["refusals"] == [{"reason": "not_yet", "count": 1}]
    assert (await scene.ask("GET", _of(scene, "visitor-days/2026-03-02")))["steps"] == []


async def test_scans_of_a_day_are_listed_the_latest_first_and_name_nobody(scene: Scene, clock: ManualClock) -> None:
    (ticket,) = await gates.tickets(scene.garden, to=scene.grace, begins=NINE)
    clock.set(NINE + timedelta(minutes=10))
    twice = await scene.of(ticket, NINE + timedelta(minutes=9), override_reason="Left shortly")
    await scene.bring([await scene.of(ticket, NINE + timedelta(minutes=1)), twice])
    found = await scene.ask("GET", _of(scene, "gate-scans?day=2026-03-03"))
    assert [(one["gate"], one["by"], one["is_overridden"]) for one in found["items"]] == [
        ("North gate", "ticket", True),
        ("North gate", "ticket", False),
    ]
    assert "Left shortly" not in str(found)
    assert (await scene.ask("GET", _of(scene, "gate-scans?day=2026-03-03&outcome=refused")))["items"] == []


@pytest.mark.parametrize(
    "what",
    [
        "slot-sales",
        "slot-days?first_day=2026-03-03&last_day=2026-03-03",
        "ticket-sales?first_day=2026-03-03&last_day=2026-03-03",
        "visitor-days/2026-03-03",
        "gate-scans?day=2026-03-03",
    ],
)
async def test_another_attractions_days_are_not_found(scene: Scene, what: str) -> None:
    other = await attractions.organization(scene.place, name="Other")
    theirs = await attractions.attraction(other)
    stranger = await sign_in.session_of(await identity.staff(other, "coordinator", name="Otto"))
    await scene.ask("GET", _of(scene, what), by=stranger, expect=404)
    await scene.ask("GET", _of(scene, what), by=scene.resident, expect=404)
    mine = f"/v1/organizations/{other.id}/attractions/{scene.garden.id}/{what}"
    await scene.ask("GET", mine, by=stranger, expect=404)
    assert await scene.ask("GET", mine.replace(str(scene.garden.id), str(theirs.id)), by=stranger) is not None


def test_who_leaves_without_having_been_seen_to_come_hides_nobody_who_comes_then() -> None:
    at = datetime(2026, 3, 3, tzinfo=UTC)
    passed: dict[datetime, Any] = {
        at: SimpleNamespace(entries=0, exits=10),
        at + timedelta(minutes=15): SimpleNamespace(entries=5, exits=0),
    }
    found = views._steps(passed, at, at + timedelta(minutes=30), 0)
    assert [one.inside for one in found] == [0, 5]


MIDNIGHT = datetime(2026, 3, 3, 16, tzinfo=UTC)
"""In Shanghai, the fourth begins."""


async def _hours(scene: Scene, opens: int, closes: int) -> None:
    """Have the garden be open daily, in hours of its wall."""
    async with unit_of_work() as session:
        row = await session.get_one(Attraction, scene.garden.id)
        row.hours = [attractions.EVERY_DAY | {"starts": opens * 60, "ends": closes * 60}]
        await derive(session, [row.id])


async def _night(scene: Scene, clock: ManualClock) -> None:
    """Have four come in before midnight, and two of them leave half an hour after it."""
    first, second = await gates.tickets(scene.garden, 2, begins=MIDNIGHT - timedelta(hours=2), persons=2)
    clock.set(MIDNIGHT - timedelta(minutes=20))
    before = MIDNIGHT - timedelta(minutes=30)
    await scene.bring([await scene.of(one, before, persons=2) for one in (first, second)])
    clock.set(MIDNIGHT + timedelta(minutes=50))
    await scene.bring([await scene.of(first, MIDNIGHT + timedelta(minutes=40), "exit", persons=2)])


async def test_a_day_begins_with_those_who_came_before_midnight(scene: Scene, clock: ManualClock) -> None:
    clock.set(MIDNIGHT - timedelta(hours=3))
    await _hours(scene, 18, 26)
    await _night(scene, clock)
    await settle(RELAY_JOBS)
    found = await scene.ask("GET", _of(scene, "visitor-days/2026-03-04"))
    assert (found["inside_at_start"], found["inside"]) == (4, 2)
    assert [one["inside"] for one in found["steps"]] == [4, 4, 2]


async def test_what_closes_after_midnight_is_empty_then_and_so_is_its_chart(scene: Scene, clock: ManualClock) -> None:
    clock.set(MIDNIGHT - timedelta(hours=3))
    await _hours(scene, 18, 26)
    await _night(scene, clock)
    clock.set(MIDNIGHT + timedelta(hours=3))
    await settle([*RELAY_JOBS, *opening_jobs.JOBS])
    found = await scene.ask("GET", _of(scene, "visitor-days/2026-03-04"))
    assert (found["inside_at_start"], found["inside"]) == (4, 0)
    assert [one["inside"] for one in found["steps"]] == [4, 4, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0]
    earlier = await scene.ask("GET", _of(scene, "visitor-days/2026-03-03"))
    assert (earlier["inside_at_start"], [one["inside"] for one in earlier["steps"]]) == (0, [4, 4])


def test_since_when_people_count_follows_the_hours() -> None:
    start = datetime(2026, 3, 3, tzinfo=UTC)

    def spans(*hours: tuple[float, float]) -> list[tuple[datetime, datetime]]:
        return [(start + timedelta(hours=since), start + timedelta(hours=until)) for since, until in hours]

    def since(*hours: tuple[float, float]) -> float | None:
        found = counted_since(spans(*hours), start)
        return None if found is None else (found - start) / timedelta(hours=1)

    assert since((-15, -7), (9, 17)) is None
    assert since((-30, -22), (-6, 2), (18, 26)) == -14
    assert since((-15, -7), (-3, -1), (9, 17)) is None
    assert since((-48, 72)) == -48
    assert since() is None
    assert since((9, 17)) is None
