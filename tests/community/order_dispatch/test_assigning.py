"""Who is sent: whom an order suits best, once, whatever happens meanwhile."""

import asyncio
import contextlib
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.database import reading, unit_of_work
from app.reservations.api import Want, recount, take
from community.api import engage
from community.order_dispatch import jobs, repository
from community.order_dispatch.models import SEARCHES
from community.order_dispatch.service.dispatching import look
from community.orders.models import ORDERS
from tests.community.order_dispatch.conftest import THURSDAY, Scene, relay, told, work
from tests.factories import community_workers as workers
from tests.factories import identity


class _Killed(BaseException):
    """What a process that is killed leaves behind: nothing."""


async def test_whoever_has_the_shortest_way_is_sent_and_everybody_hears(scene: Scene) -> None:
    order = await scene.placed()

    assert await scene.goes(order) == "Ai"
    assert await told("order_yours") == {"Ai"}
    history = (await scene.seen(order))["history"]
    assert (history[-1]["transition"], history[-1]["who"]) == ("assign", "hearthline")


async def test_a_wish_comes_before_the_way_and_who_knows_the_home_too(scene: Scene) -> None:
    wished = await scene.placed(wished_worker_id=str(scene.people["Dan"].id))
    assert await scene.goes(wished) == "Dan"
    async with unit_of_work() as session:  # as if it were long done
        await session.execute(
            sa.update(ORDERS)
            .where(ORDERS.c.id == wished["id"])
            .values(state="closed", miss_at=None, late_at=None, reservation_id=None)
        )

    order = await scene.placed(THURSDAY + timedelta(days=2, hours=3), total=14_900)

    assert await scene.goes(order) == "Dan"
    known = (await scene.ask("GET", f"/v1/home-orders/{order['id']}/candidates", by=scene.keeper))["items"]
    assert [one["worker"] for one in known] == ["Dan", "Ai", "Bo", "Chen"]
    assert "They know the home: they were there 1 times in the last year." in known[0]["reasons"]


async def test_work_is_shared(scene: Scene) -> None:
    gone = [await scene.goes(await scene.placed(THURSDAY + timedelta(hours=3 * hour))) for hour in range(3)]

    assert set(gone) <= {"Ai", "Bo", "Chen", "Dan"}
    assert len(set(gone)) > 1


async def test_what_is_in_somebodys_way_is_said_in_the_readers_language(scene: Scene) -> None:
    order = await scene.placed(works=False)
    far = await identity.staff(scene.provider, "worker", name="Eve")
    await workers.worker(scene.provider, far, display_name="Eve", sex="male")
    path = f"/v1/home-orders/{order['id']}/candidates"

    english = (await scene.ask("GET", path, by=scene.keeper))["items"]

    assert english[-1]["worker"] == "Eve"
    assert english[-1]["obstacles"] == ["A skill or certificate that is needed is missing, or runs out before."]


async def test_nobody_of_the_other_sex_is_sent_where_it_was_wished(scene: Scene) -> None:
    order = await scene.placed(wished_sex="female")  # of nobody is it known

    assert await scene.goes(order) is None
    (entry,) = await scene.queue()
    assert (entry["id"], entry["why"]) == (order["id"], "sex")
    assert await told("order_unfilled") == {"Nora"}


async def test_whoever_is_elsewhere_is_not_sent_though_it_is_no_order(scene: Scene) -> None:
    async with unit_of_work() as session:
        calendar = await engage(session, scene.provider.id, scene.people["Ai"].id)
        visit = Want(calendar, THURSDAY, THURSDAY + timedelta(hours=1), scene.grace.id)
        await take(session, [visit], origin_kind="eldercare.visit", taken_by=scene.people["Ai"].id)

    assert await scene.goes(await scene.placed()) == "Bo"


async def test_two_dispatchers_at_once_send_two_people(scene: Scene) -> None:
    other = await identity.resident(scene.place, home=await identity.household(scene.place, place=(31.23, 121.48)))
    orders = [await scene.placed(works=False)]
    async with unit_of_work() as session:
        row = (await session.execute(sa.select(ORDERS).where(ORDERS.c.id == orders[0]["id"]))).one()
        twin = dict(row._mapping) | {"id": clock.new_id(), "resident_id": other.id, "account_id": other.account_id}
        await session.execute(sa.insert(ORDERS).values(twin))
        await repository.begin(session, twin["id"], other.id)
        await repository.begin(session, row.id, row.resident_id)

    await asyncio.gather(*(jobs.look_for_somebody() for _ in range(3)))

    async with reading() as connection:
        gone = list(await connection.scalars(sa.select(ORDERS.c.worker_id)))
        assert await recount(connection) == []
    assert len(gone) == 2
    assert None not in gone
    assert len(set(gone)) == 2


async def test_whoever_is_suspended_goes_nowhere_and_another_is_found(scene: Scene) -> None:
    order = await scene.placed()
    assert await scene.goes(order) == "Ai"
    base = f"/v1/organizations/{scene.provider.id}/workers"
    known = (await scene.ask("GET", base, by=scene.keeper))["items"]
    (ai,) = [one for one in known if one["display_name"] == "Ai"]

    await scene.ask("POST", f"{base}/{ai['id']}/suspension", {"reason": "complaint"}, by=scene.keeper)
    await work()

    assert await scene.goes(order) == "Bo"
    assert await told("order_not_yours") == {"Ai"}


async def test_a_search_that_was_killed_half_way_is_done_by_the_next(scene: Scene) -> None:
    order = await scene.placed(works=False)
    await relay()
    async with reading() as connection:
        ids = list(await connection.scalars(sa.select(SEARCHES.c.id)))
    with contextlib.suppress(_Killed):
        async with unit_of_work() as session:
            await look(session, ids)
            assert (await session.scalars(sa.select(ORDERS.c.worker_id))).one() == scene.people["Ai"].id
            raise _Killed
    assert await scene.goes(order) is None

    await work()

    assert await scene.goes(order) == "Ai"
    async with reading() as connection:
        assert await recount(connection) == []
