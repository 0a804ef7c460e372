"""Several are asked: the first who says so goes, nobody else does, and silence is a no."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.reservations.api import Want, recount, take
from app.reservations.api import taken as taken_of
from community.api import engage, workers_for
from community.order_dispatch.models import OFFERS
from tests.community.order_dispatch.conftest import THURSDAY, Scene, asks, told, work
from tests.factories import sign_in


@pytest.fixture
async def asking(scene: Scene) -> Scene:
    await asks(scene)
    return scene


async def states() -> dict[str, int]:
    async with reading() as connection:
        statement = sa.select(OFFERS.c.state, sa.func.count().label("many")).group_by(OFFERS.c.state)
        return {row.state: row.many for row in await connection.execute(statement)}


async def test_the_best_three_are_asked_and_are_not_told_whose_home_it_is(asking: Scene) -> None:
    order = await asking.placed()

    assert await told("order_offered") == {"Ai", "Bo", "Chen"}
    (offer,) = await asking.offers("Bo")
    assert offer["order_id"] == order["id"]
    assert offer["distance"] == 1000
    assert "resident_id" not in offer
    await asking.ask("GET", f"/v1/home-orders/{order['id']}", by=await asking.by("Bo"), expect=404)
    assert await asking.offers("Dan") == []


async def test_the_first_one_goes_and_the_others_hear(asking: Scene) -> None:
    order = await asking.placed()
    (first,), (second,) = await asking.offers("Bo"), await asking.offers("Ai")

    assert (await asking.answer("Bo", first, "acceptance", 200))["state"] == "assigned"
    refused = await asking.answer("Ai", second, "acceptance", 409)

    assert (refused["code"], refused["offer_state"]) == ("offer_over", "withdrawn")
    assert (await asking.answer("Bo", first, "acceptance", 200))["id"] == order["id"]  # said again
    await work()
    assert await asking.goes(order) == "Bo"
    assert await told("order_offer_gone") == {"Ai", "Chen"}
    assert await asking.offers("Chen") == []
    assert await states() == {"accepted": 1, "withdrawn": 2}


async def test_of_two_at_the_same_moment_one_goes_and_the_others_time_is_free(asking: Scene) -> None:
    order = await asking.placed()
    names = ("Ai", "Bo", "Chen")
    offers = [(await asking.offers(name))[0] for name in names]
    paths = [f"/v1/me/home-order-offers/{offer['id']}/acceptance" for offer in offers]
    headers = [sign_in.access_headers(await asking.by(name)) for name in names]

    answers = await asyncio.gather(
        *(asking.client.post(path, headers=one) for path, one in zip(paths, headers, strict=True))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"offer_over"}
    span = (THURSDAY, THURSDAY + timedelta(hours=2))
    async with reading() as connection:
        known = await workers_for(connection, asking.provider.id, span)
        rows = await taken_of(connection, [one.calendar_id for one in known], *span)
        assert await recount(connection) == []
    assert [str(row.origin_id) for row in rows] == [order["id"]]


async def test_whoever_is_elsewhere_by_now_cannot_take_it_and_another_can(asking: Scene) -> None:
    order = await asking.placed()
    (offer,), (other,) = await asking.offers("Ai"), await asking.offers("Bo")
    async with unit_of_work() as session:
        calendar = await engage(session, asking.provider.id, asking.people["Ai"].id)
        visit = Want(calendar, THURSDAY, THURSDAY + timedelta(hours=1), asking.grace.id)
        await take(session, [visit], origin_kind="eldercare.visit", taken_by=asking.people["Ai"].id)

    refused = await asking.answer("Ai", offer, "acceptance", 409)

    assert refused["code"] == "calendar_taken"
    await asking.answer("Bo", other, "acceptance", 200)
    assert await asking.goes(order) == "Bo"


async def test_who_does_not_answer_says_no_and_then_others_are_asked_and_then_people_see_to_it(
    asking: Scene, clock: ManualClock
) -> None:
    order = await asking.placed()
    (offer,) = await asking.offers("Ai")
    clock.advance(timedelta(minutes=15))
    await work()

    assert (await asking.answer("Ai", offer, "acceptance", 409))["offer_state"] == "lapsed"
    assert [one["order_id"] for one in await asking.offers("Dan")] == [order["id"]]
    assert await told("order_unfilled") == set()

    clock.advance(timedelta(minutes=15))
    await work()

    assert await told("order_unfilled") == {"Nora"}
    (entry,) = await asking.queue()
    assert (entry["id"], entry["why"], entry["resident_told_at"]) == (order["id"], "no_answer", None)
    assert entry["explanation"] == "Everyone who could go was asked, and nobody took it."

    clock.set(THURSDAY - timedelta(hours=24))
    await work()

    assert "Olga" in await told("order_unfilled")
    assert len(await told("order_still_searching")) == 1
    assert (await asking.queue())[0]["resident_told_at"] is not None


async def test_three_times_no_asks_the_next_at_once(asking: Scene) -> None:
    await asking.placed()
    for name in ("Ai", "Bo", "Chen"):
        (offer,) = await asking.offers(name)
        await asking.answer(name, offer, "refusal", 204)
        await asking.answer(name, offer, "refusal", 204)
    await work()

    assert len(await asking.offers("Dan")) == 1
    assert await states() == {"declined": 3, "offered": 1}


async def test_what_is_called_off_is_not_to_be_taken(asking: Scene) -> None:
    order = await asking.placed()
    (offer,) = await asking.offers("Ai")
    await asking.ask("POST", f"/v1/home-orders/{order['id']}/cancellation", {"reason": "changed_mind"})

    refused = await asking.answer("Ai", offer, "acceptance", 409)
    await work()

    assert refused["code"] == "offer_over"
    assert await states() == {"withdrawn": 3}
    assert await asking.queue() == []


async def test_nobody_answers_for_somebody_else(asking: Scene) -> None:
    await asking.placed()
    (offer,) = await asking.offers("Ai")

    await asking.answer("Dan", offer, "acceptance", 404)
    await asking.answer("Dan", offer, "refusal", 404)


async def test_a_coordinator_chooses_for_one_order(scene: Scene) -> None:
    order = await scene.placed(works=False)
    path = f"/v1/home-orders/{order['id']}/dispatch"
    await scene.ask("POST", path, {"mode": "offer"}, by=scene.keeper)
    await work()
    assert await told("order_offered") == {"Ai", "Bo", "Chen"}
    (offer,) = await scene.offers("Ai")

    await scene.ask("POST", path, {"mode": "assign"}, by=scene.keeper)
    await work()

    assert await scene.goes(order) == "Ai"
    assert (await scene.answer("Ai", offer, "acceptance", 409))["code"] == "offer_over"
    asked = (await scene.ask("GET", f"/v1/home-orders/{order['id']}/offers", by=scene.keeper))["items"]
    assert {one["state"] for one in asked} == {"withdrawn"}
    refused = await scene.ask("POST", path, {"mode": "offer"}, by=scene.keeper, expect=409)
    assert (refused["code"], refused["order_state"]) == ("nobody_is_looked_for", "assigned")
