"""Slots called off together: all or none, counted beforehand, told how far it has come, tried again, never twice."""

import asyncio
from typing import Any

import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock as clock_ids
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.due import drain
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from community.ticket_orders import jobs
from community.ticket_orders.service import deadlines
from community.ticketing.models import SLOTS
from tests.community.ticket_orders.conftest import PRICE, Body, Scene, by_card, no_drift, told, work
from tests.factories import community_attractions as attractions
from tests.factories import community_tickets as tickets
from tests.factories import identity, sign_in

WORDS = {"en": "A burst pipe. We are sorry.", "zh-CN": "水管爆裂，非常抱歉。"}


def _of(scene: Scene, what: str = "slot-cancellations") -> str:
    return f"/v1/organizations/{scene.museum.id}/attractions/{scene.offered.attraction_id}/{what}"


def _slots(scene: Scene, *numbers: int) -> list[str]:
    return [str(scene.offered.slots[number].id) for number in numbers or range(len(scene.offered.slots))]


async def _cancel(scene: Scene, *numbers: int, expect: int = 201, **more: Any) -> Body:
    body = {"slot_ids": _slots(scene, *numbers), "reason": "technical", "message": WORDS} | more
    found: Body = await scene.ask("POST", _of(scene), body, by=scene.keeper, expect=expect)
    return found


async def _progress(scene: Scene, cancellation: Body) -> Body:
    found: Body = await scene.ask("GET", _of(scene, f"slot-cancellations/{cancellation['id']}"), by=scene.keeper)
    return found


async def _sold(scene: Scene) -> None:
    """One pays by card for two slots, two at the desk, and somebody at the counter whom nobody knows."""
    await by_card(scene, "4242", scene.item(), scene.item(slot=1), total=2 * PRICE)
    await work()
    await scene.bought(scene.item(quantity=2), by=scene.daughter, total=2 * PRICE)
    nora = await identity.staff(scene.museum, "worker", name="Counter")
    await tickets.sold(nora, scene.museum, scene.offered.slots[1], scene.offered.products["adult"])


async def test_it_is_said_beforehand_how_many_it_concerns_and_nothing_is_changed(scene: Scene) -> None:
    await _sold(scene)
    body = {"slot_ids": _slots(scene)}
    found = await scene.ask("POST", _of(scene, "slot-cancellation-previews"), body, by=scene.keeper)
    again = await scene.ask("POST", _of(scene, "slot-cancellation-previews"), body, by=scene.keeper)
    counted = {name: found[name] for name in ("orders", "counter_orders", "tickets", "persons", "amounts", "admitted")}
    assert counted == {
        "orders": 3,
        "counter_orders": 1,
        "tickets": 5,
        "persons": 5,
        "amounts": {"CNY": 5 * PRICE},
        "admitted": 0,
    }
    assert [one["state"] for one in found["slots"]] == ["open"] * 3
    assert again == found


async def test_everybody_is_told_and_has_their_money_and_the_progress_says_so(scene: Scene) -> None:
    await _sold(scene)
    begun = await _cancel(scene)
    assert (begun["orders"], begun["tickets"], begun["amounts"]) == (3, 5, {"CNY": 5 * PRICE})
    assert (begun["waiting"]["tickets"], begun["given_back"]["tickets"], begun["is_done"]) == (5, 0, False)
    await work()
    await work()
    done = await _progress(scene, begun)
    assert (done["waiting"]["tickets"], done["given_back"], done["is_done"]) == (0, {"tickets": 5, "persons": 5}, True)
    assert done["returned"] == {"CNY": 5 * PRICE}
    assert done["at_counter"] == {"CNY": PRICE}
    assert (done["orders_told"], done["counter_orders"]) == (2, 1)
    assert done["card_refunds"] == {"succeeded": 1}
    assert await told("tickets_cancelled") == {"Grace", "Ann"}
    listed = await scene.ask("GET", _of(scene), by=scene.keeper)
    assert [one["id"] for one in listed["items"]] == [begun["id"]]
    await no_drift()


async def test_whoever_has_a_ticket_reads_why(scene: Scene) -> None:
    bought = await scene.bought()
    await _cancel(scene, 0)
    order = await scene.seen(bought)
    assert order["tickets"][0]["called_off"] == {"reason": "technical", "message": WORDS}
    other = await scene.seen(await scene.bought(scene.item(slot=1), is_another=True))
    assert other["tickets"][0]["called_off"] is None


async def test_of_two_who_call_off_the_same_day_at_once_one_does(scene: Scene) -> None:
    await _sold(scene)

    async def one() -> httpx.Response:
        headers = sign_in.access_headers(scene.keeper) | {"Idempotency-Key": str(clock_ids.new_id())}
        body = {"slot_ids": _slots(scene), "reason": "weather"}
        return await scene.client.post(_of(scene), json=body, headers=headers)

    answers = sorted(await asyncio.gather(one(), one()), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [201, 409]
    problem = answers[1].json()
    assert problem["code"] == "slots_not_open"
    assert {one["reason"] for one in problem["conflicts"]} == {"cancelled"}
    await work()
    assert (await _progress(scene, answers[0].json()))["returned"] == {"CNY": 5 * PRICE}
    assert len((await scene.ask("GET", _of(scene), by=scene.keeper))["items"]) == 1


async def test_pressed_twice_it_is_done_once(scene: Scene) -> None:
    await scene.bought()
    headers = {"Idempotency-Key": "pressed-twice"}
    body = {"slot_ids": _slots(scene), "reason": "weather"}
    first = await scene.ask("POST", _of(scene), body, by=scene.keeper, expect=201, extra=headers)
    second = await scene.ask("POST", _of(scene), body, by=scene.keeper, expect=201, extra=headers)
    assert first["id"] == second["id"]


async def test_none_is_called_off_where_one_is_already_or_is_over(scene: Scene, clock: ManualClock) -> None:
    await _cancel(scene, 1)
    problem = await _cancel(scene, expect=409)
    assert [one["slot_id"] for one in problem["conflicts"]] == _slots(scene, 1)
    clock.set(scene.offered.slots[0].ends_at)
    problem = await _cancel(scene, 0, 2, expect=409)
    assert [(one["slot_id"], one["reason"]) for one in problem["conflicts"]] == [(_slots(scene, 0)[0], "over")]
    async with reading() as connection:
        states = await connection.scalars(
            sa.select(SLOTS.c.state)
            .where(SLOTS.c.attraction_id == scene.offered.attraction_id)
            .order_by(SLOTS.c.starts_at)
        )
        assert list(states) == ["open", "cancelled", "open"]


async def test_what_could_not_be_given_back_is_said_and_tried_again_once(scene: Scene) -> None:
    await _sold(scene)
    begun = await _cancel(scene)
    await settle(RELAY_JOBS)

    async def odd(session: AsyncSession, ids: Any) -> None:
        raise RuntimeError("the books are shut")

    assert await drain(jobs.CALLED_OFF, odd) == 3
    stuck = await _progress(scene, begun)
    assert (stuck["failed"]["tickets"], stuck["waiting"]["tickets"], stuck["is_done"]) == (5, 0, False)
    assert stuck["returned"] == {}
    retry = _of(scene, f"slot-cancellations/{begun['id']}/retry")
    asked = await scene.ask("POST", retry, by=scene.keeper)
    assert (asked["failed"]["tickets"], asked["waiting"]["tickets"]) == (0, 5)
    await drain(jobs.CALLED_OFF, deadlines.give_back)
    await work()
    await scene.ask("POST", retry, by=scene.keeper)
    await work()
    done = await scene.ask("POST", retry, by=scene.keeper)
    await work()
    assert (done["returned"], done["is_done"]) == ({"CNY": 5 * PRICE}, True)
    assert (await _progress(scene, begun))["card_refunds"] == {"succeeded": 1}
    await no_drift()


async def test_who_moved_before_their_money_came_is_counted_as_moved(scene: Scene) -> None:
    order = (await scene.bought())["orders"][0]
    begun = await _cancel(scene, 0)
    await scene.ask("POST", f"/v1/tickets/{order['tickets'][0]['id']}/move", {"slot_id": _slots(scene, 2)[0]})
    await work()
    done = await _progress(scene, begun)
    assert (done["moved"]["tickets"], done["given_back"]["tickets"], done["is_done"]) == (1, 0, True)


async def test_others_call_nothing_off_and_see_nothing(scene: Scene) -> None:
    begun = await _cancel(scene, 0)
    worker = await sign_in.session_of(await identity.staff(scene.museum, "worker", name="Will"))
    other_museum = await attractions.organization(scene.place, name="Other museum")
    other = await sign_in.session_of(await identity.staff(other_museum, "coordinator", name="Otto"))
    body = {"slot_ids": _slots(scene, 1), "reason": "weather"}
    one = _of(scene, f"slot-cancellations/{begun['id']}")
    await scene.ask("POST", _of(scene), body, by=worker, expect=403)
    await scene.ask("POST", _of(scene, "slot-cancellation-previews"), body | {"reason": None}, by=worker, expect=403)
    await scene.ask("POST", f"{one}/retry", by=worker, expect=403)
    assert (await scene.ask("GET", one, by=worker))["id"] == begun["id"]
    for method, path in (("GET", one), ("GET", _of(scene)), ("POST", f"{one}/retry")):
        await scene.ask(method, path, by=other, expect=404)
    await scene.ask("POST", _of(scene), body, by=other, expect=404)
    # Another's attraction under one's own organization is not found, nor are its slots under one's own attraction.
    strange = await attractions.attraction(other_museum)
    mine = f"/v1/organizations/{other_museum.id}/attractions"
    await scene.ask("POST", f"{mine}/{scene.offered.attraction_id}/slot-cancellations", body, by=other, expect=404)
    await scene.ask("POST", f"{mine}/{strange.id}/slot-cancellations", body, by=other, expect=404)
    await scene.ask("GET", f"{mine}/{strange.id}/slot-cancellations/{begun['id']}", by=other, expect=404)
