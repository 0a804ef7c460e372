"""A whole day in one plan: visits and orders, somebody who goes to both, and all of it or nothing."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app import assembly
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.events import install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Account, Community, Organization, Resident
from app.identity.sessions.models import AccountSession
from app.policies.journeys.day_plans import jobs
from app.policies.journeys.day_plans.models import PLANS, DayPlan
from app.policies.journeys.day_plans.overruns import LEASE
from app.reservations.api import recount
from community.housekeeping.models import ServiceOffer
from community.orders import jobs as order_jobs
from community.orders.models import ORDERS
from eldercare.visits.models import CarePlan
from notifications.inbox.models import INBOX
from tests.factories import community_housekeeping as housekeeping
from tests.factories import community_workers as workers
from tests.factories import eldercare_visits as care
from tests.factories import identity, sign_in

NINE = datetime(2026, 3, 5, 1, tzinfo=UTC)
"""In Shanghai, on the Thursday after the tests' Monday."""
HOME = (31.23, 121.48)


@dataclass(frozen=True)
class Scene:
    """An agency with a carer who also goes to help at home, another carer, and a helper who is no carer."""

    client: httpx.AsyncClient
    agency: Organization
    grace: Resident
    plan: CarePlan
    offer: ServiceOffer
    resident: AccountSession
    keeper: AccountSession
    both: Account
    carer: Account
    helper: Account

    async def ask(
        self, method: str, path: str, body: Any = None, *, by: AccountSession | None = None, expect: int = 200
    ) -> Any:
        """Ask as the agency's coordinator, or as somebody else."""
        headers = sign_in.access_headers(by or self.keeper)
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def order(self, at: datetime, **changes: Any) -> str:
        """Order two hours of help and return the order's id; nobody is looked for."""
        wish = {
            "offer_id": str(self.offer.id),
            "offer_version": 1,
            "total": 12_500,
            "starts_at": at.isoformat(),
            "payment_method": "provider",
        }
        path = f"/v1/residents/{self.grace.id}/home-orders"
        return str((await self.ask("POST", path, wish | changes, by=self.resident, expect=201))["id"])

    async def visit(self, at: datetime, **values: Any) -> str:
        """Insert a visit of half an hour."""
        row = await care.single(self.plan, at, account_id=self.grace.account_id, time_zone="Asia/Shanghai", **values)
        return str(row.id)

    async def propose(self, cause: str = "unassigned") -> Any:
        """Have the Thursday planned."""
        path = f"/v1/organizations/{self.agency.id}/day-plans"
        return await self.ask("POST", path, {"date": "2026-03-05", "cause": cause}, expect=201)

    async def accept(self, plan: Any, expect: int = 200) -> Any:
        """Carry a plan out."""
        path = f"/v1/organizations/{self.agency.id}/day-plans/{plan['id']}/acceptance"
        return await self.ask("POST", path, expect=expect)


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let everybody hear of what happens."""
    assembly.load_tables()
    previous = install_subscribers(assembly.SUBSCRIBERS)
    yield
    install_subscribers(previous)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock, subscribed: None) -> Scene:
    place = await identity.community()
    agency = await identity.organization(place, "care_agency", name="Bright Care")
    await identity.agreement(agency)
    home = await identity.household(place, place=HOME)
    grace = await identity.resident(place, home=home, phone="+8613800000001")
    keeper = await identity.staff(agency, "coordinator", name="Nora", phone="+8613800000003")
    both = await identity.staff(agency, "carer", name="Kim")
    carer = await identity.staff(agency, "carer", name="Pat")
    helper = await identity.staff(agency, "worker", name="Lin")
    for person in (both, helper):
        row = await workers.worker(agency, person, display_name=person.name, hours=hours(8, 17))
        await workers.skill(row, "cleaning")
    await care.shift(agency, both, NINE - timedelta(hours=2), lasts=timedelta(hours=8))
    await care.shift(agency, carer, NINE - timedelta(hours=2), lasts=timedelta(hours=8))
    async with unit_of_work() as session:
        account = await session.get_one(Account, grace.account_id)
    return Scene(
        client,
        agency,
        grace,
        await care.care_plan(grace, agency),
        await housekeeping.offer(agency, await housekeeping.service(place)),
        await sign_in.session_of(account),
        await sign_in.session_of(keeper, second_factor=True),
        both,
        carer,
        helper,
    )


def hours(since: int, until: int) -> list[dict[str, Any]]:
    return [
        {"weekday": day, "starts": since * 60, "ends": until * 60, "pause": 0, "on_holidays": True}
        for day in range(1, 8)
    ]


def who(plan: Any) -> dict[str, list[str]]:
    return {stop["item_id"]: stop["people"] for stop in plan["stops"]}


async def test_visits_and_orders_are_planned_together_and_nobody_is_at_two_places(scene: Scene) -> None:
    visits = [await scene.visit(NINE), await scene.visit(NINE)]
    orders = [await scene.order(NINE), await scene.order(NINE + timedelta(hours=3))]

    plan = await scene.propose()
    gone = who(plan)

    assert plan["state"] == "proposed"
    assert {gone[visits[0]][0], gone[visits[1]][0]} == {str(scene.both.id), str(scene.carer.id)}
    assert gone[orders[0]] == [str(scene.helper.id)]  # who goes to both is at a visit
    assert gone[orders[1]][0] in {str(scene.helper.id), str(scene.both.id)}

    done = await scene.accept(plan)

    assert done["state"] == "accepted"
    async with reading() as connection:
        assert await recount(connection) == []
        states = set(await connection.scalars(sa.select(ORDERS.c.state)))
    assert states == {"assigned"}
    assert {row.state for row in await care.visits(scene.grace)} == {"assigned"}
    assert (await scene.accept(plan, 409))["code"] == "day_plan_not_open"


async def test_an_order_waits_for_the_same_persons_visit(scene: Scene) -> None:
    """The helper is ill and the only one left goes to the visit first: the order moves within its window."""
    async with unit_of_work() as session:
        await session.execute(
            sa.text("UPDATE community_worker SET is_active = (account_id = :who)"), {"who": scene.both.id}
        )
        await session.execute(sa.text("DELETE FROM eldercare_shift WHERE account_id = :who"), {"who": scene.carer.id})
    await scene.visit(NINE)
    order = await scene.order(NINE, flexibility="PT2H")

    plan = await scene.propose()

    (stop,) = [one for one in plan["stops"] if one["item_id"] == order]
    assert stop["people"] == [str(scene.both.id)]
    assert not NINE - timedelta(hours=2) < datetime.fromisoformat(stop["starts_at"]) < NINE + timedelta(minutes=30)
    await scene.accept(plan)
    async with reading() as connection:
        (row,) = await connection.execute(sa.select(ORDERS))
    assert row.starts_at == datetime.fromisoformat(stop["starts_at"])


async def test_what_changed_meanwhile_is_named_and_nothing_is_done(scene: Scene) -> None:
    visit = await scene.visit(NINE)
    order, other = await scene.order(NINE), await scene.order(NINE + timedelta(hours=4))
    plan = await scene.propose()
    await scene.ask("POST", f"/v1/home-orders/{order}/assignment", {"worker_id": str(scene.helper.id)})

    refused = await scene.accept(plan, 409)

    assert (refused["code"], refused["order_ids"], refused["visit_ids"]) == ("day_plan_stale", [order], [])
    async with reading() as connection:
        states = {row.id: row.state for row in await connection.execute(sa.select(ORDERS.c.id, ORDERS.c.state))}
        assert await recount(connection) == []
    assert {str(key): state for key, state in states.items()} == {order: "assigned", other: "placed"}
    assert [row.state for row in await care.visits(scene.grace)] == ["planned"]
    assert visit


async def test_two_who_carry_out_two_plans_at_once_do_not_send_anybody_twice(scene: Scene) -> None:
    await scene.visit(NINE)
    await scene.visit(NINE + timedelta(hours=1))
    await scene.order(NINE)
    plans = [await scene.propose(), await scene.propose()]
    headers = sign_in.access_headers(scene.keeper)
    base = f"/v1/organizations/{scene.agency.id}/day-plans"

    answers = await asyncio.gather(
        *(scene.client.post(f"{base}/{plan['id']}/acceptance", headers=headers) for plan in plans)
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    async with reading() as connection:
        assert await recount(connection) == []


async def test_who_cannot_come_since_it_was_planned_is_sent_to_no_order(scene: Scene) -> None:
    async with unit_of_work() as session:
        await session.execute(
            sa.text("UPDATE community_worker SET is_active = (account_id = :who)"), {"who": scene.both.id}
        )
    order = await scene.order(NINE)
    plan = await scene.propose()
    assert who(plan)[order] == [str(scene.both.id)]
    absence = {
        "account_id": str(scene.both.id),
        "starts_at": (NINE - timedelta(hours=1)).isoformat(),
        "ends_at": (NINE + timedelta(hours=9)).isoformat(),
    }
    path = f"/v1/organizations/{scene.agency.id}/carer-absences"
    await scene.ask("POST", path, absence, expect=201)

    assert (await scene.accept(plan, 409))["code"] == "carer_absent"
    assert (await scene.propose())["stops"][0]["people"] == []  # nor planned again


async def test_what_nobody_can_do_says_why(scene: Scene) -> None:
    late = await scene.order(NINE + timedelta(hours=12))

    (stop,) = (await scene.propose())["stops"]

    assert (stop["item_id"], stop["people"]) == (late, [])
    assert stop["unassigned"] == "Nobody who could do it works at that time."


async def held_up(scene: Scene, clock: ManualClock, person: Account) -> str:
    """Have somebody begin an order at nine that has not ended half an hour after its end."""
    order = await scene.order(NINE)
    worker = await sign_in.session_of(person)
    await scene.ask("POST", f"/v1/home-orders/{order}/assignment", {"worker_id": str(person.id)})
    clock.set(NINE)
    code = (await scene.ask("GET", f"/v1/home-orders/{order}", by=scene.resident))["start_code"]
    await scene.ask("POST", f"/v1/home-orders/{order}/start", {"code": code}, by=worker)
    return order


async def work(clock: ManualClock) -> None:
    """Let it be half an hour after the end, and the worker do what is due."""
    clock.set(NINE + timedelta(hours=2, minutes=30))
    await settle([*RELAY_JOBS, *order_jobs.JOBS, *jobs.JOBS])


async def proposals() -> list[Any]:
    async with reading() as connection:
        return list(await connection.execute(sa.select(PLANS)))


async def test_whoever_is_held_up_comes_later_within_the_window_without_anybody_being_asked(
    scene: Scene, clock: ManualClock
) -> None:
    following = NINE + timedelta(hours=2, minutes=40)
    later = await scene.order(following, flexibility="PT2H")
    await scene.ask("POST", f"/v1/home-orders/{later}/assignment", {"worker_id": str(scene.helper.id)})
    async with unit_of_work() as session:  # nobody else could go
        await session.execute(
            sa.text("UPDATE community_worker SET is_active = (account_id = :who)"), {"who": scene.helper.id}
        )
    await held_up(scene, clock, scene.helper)

    await work(clock)

    (plan,) = await proposals()
    assert (plan.state, plan.cause, plan.created_by) == ("accepted", "held_up", None)
    seen = await scene.ask("GET", f"/v1/home-orders/{later}", by=scene.resident)
    assert seen["worker_id"] == str(scene.helper.id)
    assert following < datetime.fromisoformat(seen["starts_at"]) <= following + timedelta(hours=2)
    assert seen["history"][-1]["who"] == "hearthline"
    async with reading() as connection:
        assert await recount(connection) == []
        told = list(
            await connection.scalars(sa.select(INBOX.c.notice_key).where(INBOX.c.account_id == scene.grace.account_id))
        )
    assert told.count("community.order_assigned") == 3


async def test_another_goes_where_the_time_cannot_be_moved(scene: Scene, clock: ManualClock) -> None:
    later = await scene.order(NINE + timedelta(hours=2, minutes=40))
    await scene.ask("POST", f"/v1/home-orders/{later}/assignment", {"worker_id": str(scene.helper.id)})
    await held_up(scene, clock, scene.helper)

    await work(clock)

    seen = await scene.ask("GET", f"/v1/home-orders/{later}", by=scene.resident)
    assert seen["worker_id"] == str(scene.both.id)
    assert datetime.fromisoformat(seen["starts_at"]) == NINE + timedelta(hours=2, minutes=40)


async def test_of_visits_people_decide(scene: Scene, clock: ManualClock) -> None:
    visit = await scene.visit(NINE + timedelta(hours=2, minutes=40))
    await care.assign(uuid.UUID(visit), scene.both)
    await held_up(scene, clock, scene.both)

    await work(clock)

    (plan,) = await proposals()
    assert plan.state == "proposed"
    shown = await scene.ask("GET", f"/v1/organizations/{scene.agency.id}/day-plans/{plan.id}")
    (stop,) = shown["stops"]
    assert (stop["kind"], stop["people"], stop["replaces"]) == ("visit", [str(scene.carer.id)], [str(scene.both.id)])

    await scene.accept(shown)

    going = [one.account_id for one in await care.carers(uuid.UUID(visit)) if one.state == "assigned"]
    assert going == [scene.carer.id]


async def test_whoever_is_in_time_all_the_same_is_left_alone(scene: Scene, clock: ManualClock) -> None:
    await held_up(scene, clock, scene.helper)

    await work(clock)

    assert await proposals() == []


async def want(agency: Organization, day: date, plan_at: datetime) -> uuid.UUID:
    """Have a day planned anew at a time; return the plan's id."""
    row = DayPlan(
        community_id=agency.community_id,
        organization_id=agency.id,
        day=day,
        plan_at=plan_at,
        state="wanted",
        cause="held_up",
    )
    async with unit_of_work() as session:
        session.add(row)
    return row.id


async def test_a_day_that_cannot_be_planned_keeps_no_other_from_being_planned(scene: Scene, clock: ManualClock) -> None:
    async with unit_of_work() as session:
        place = await session.get_one(Community, scene.agency.community_id)
    odd = await identity.organization(place, "care_agency", name="Odd Care")
    keeper = await identity.staff(odd, "coordinator", name="Ida", phone="+8613800000009")
    odd_id = await want(odd, date.max, NINE)  # no such day ends: it is on no clock
    later = await scene.order(NINE + timedelta(hours=2, minutes=40))
    await scene.ask("POST", f"/v1/home-orders/{later}/assignment", {"worker_id": str(scene.helper.id)})
    await held_up(scene, clock, scene.helper)

    await work(clock)

    plans = {plan.id: plan for plan in await proposals()}
    waits = plans.pop(odd_id)
    assert (waits.state, waits.plan_at > NINE + timedelta(hours=2, minutes=30)) == ("wanted", True)
    assert [plan.state for plan in plans.values()] == ["accepted"]
    async with reading() as connection:
        told = await connection.scalars(sa.select(INBOX.c.notice_key).where(INBOX.c.account_id == keeper.id))
        assert list(told) == ["policies.day_not_planned"]


async def test_who_is_held_up_today_is_not_lost_in_a_plan_of_yesterday(scene: Scene, clock: ManualClock) -> None:
    await want(scene.agency, NINE.date() - timedelta(days=1), NINE + timedelta(days=1))
    later = await scene.order(NINE + timedelta(hours=2, minutes=40))
    await scene.ask("POST", f"/v1/home-orders/{later}/assignment", {"worker_id": str(scene.helper.id)})
    await held_up(scene, clock, scene.helper)

    await work(clock)

    (plan,) = await proposals()
    assert (plan.state, plan.day) == ("accepted", NINE.date())


async def test_who_is_held_up_while_the_day_is_planned_is_planned_with_it(scene: Scene, clock: ManualClock) -> None:
    await want(scene.agency, NINE.date(), clock.now())
    async with LEASE.holding(1) as held:
        await held_up(scene, clock, scene.helper)
        clock.set(NINE + timedelta(hours=2, minutes=30))
        await settle([*RELAY_JOBS, *order_jobs.JOBS])
        async with unit_of_work() as session:
            assert await LEASE.finish(session, held) == set()
