"""Ratings: one for each order, looked at before others read them, and never so few that somebody is found out."""

import pytest

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from community.housekeeping.models import HomeService
from community.ratings import rules
from community.scores.models import Rating
from tests.community.orders.conftest import Body, Scene, told
from tests.factories import community_orders, identity

GIVEN = {"stars": 2, "comment": "Friendly, but in a hurry.", "tags": ["friendly", "hurried"]}


async def rated(scene: Scene, order: Body, **changes: object) -> Body:
    found: Body = await scene.do(order, "rating", GIVEN | changes, expect=201)
    return found


async def moderate(scene: Scene, rating: Body, body: Body, expect: int = 204) -> Body:
    path = f"/v1/ratings-to-moderate/{rating['id']}/moderation"
    found: Body = await scene.ask("POST", path, body, by=scene.operator, expect=expect)
    return found


async def said_of(scene: Scene) -> list[Body]:
    found: list[Body] = (await scene.ask("GET", f"/v1/service-offers/{scene.offer.id}/ratings"))["items"]
    return found


async def test_others_read_a_comment_once_it_is_approved_and_the_provider_answers_once(
    scene: Scene, order: Body
) -> None:
    rating = await rated(scene, order)
    twice = await scene.do(order, "rating", GIVEN, expect=409)
    assert (twice["code"], twice["rating_id"], await said_of(scene)) == ("rating_exists", rating["id"], [])
    changed = await scene.ask(
        "PUT",
        f"/v1/home-orders/{order['id']}/rating",
        GIVEN | {"stars": 3},
        extra={"If-Match": f'"{rating["version"]}"'},
    )
    queue = (await scene.ask("GET", "/v1/ratings-to-moderate", by=scene.operator))["items"]
    assert [(one["id"], one["stars"], one["is_flagged"]) for one in queue] == [(rating["id"], 3, False)]
    await moderate(scene, rating, {"is_approved": True})
    answers = f"/v1/organizations/{scene.provider.id}/ratings/{rating['id']}/answer"
    named = await scene.ask("POST", answers, {"text": "Call 138 0013 8000"}, by=scene.keeper, expect=422)
    await scene.ask("POST", answers, {"text": "We take more time now."}, by=scene.keeper, expect=204)
    again = await scene.ask("POST", answers, {"text": "Really."}, by=scene.keeper, expect=409)
    late = await scene.ask(
        "PUT",
        f"/v1/home-orders/{order['id']}/rating",
        GIVEN,
        extra={"If-Match": f'"{changed["version"]}"'},
        expect=412,
    )

    assert (named["code"], again["code"], late["code"]) == ("names_somebody", "rating_answered", "stale_version")
    (shown,) = await said_of(scene)
    assert shown == {
        "id": rating["id"],
        "stars": 3,
        "tags": ["friendly", "hurried"],
        "comment": GIVEN["comment"],
        "month": "2026-03",
        "answer": "We take more time now.",
    }
    mine = await scene.ask("GET", "/v1/me/ratings", by=scene.worker)
    assert (mine["score"], mine["items"]) == (None, [shown])
    assert (await scene.ask("GET", "/v1/me/ratings", by=scene.other))["items"] == []
    assert await told("rating_answered") == {"Grace"}


async def test_what_names_somebody_is_flagged_and_what_is_rejected_says_why(scene: Scene, order: Body) -> None:
    rating = await rated(scene, order, comment="Ring at 12 Elm Road")
    (waiting,) = (await scene.ask("GET", "/v1/ratings-to-moderate", by=scene.operator))["items"]
    await moderate(scene, rating, {"is_approved": False}, expect=422)
    await moderate(scene, rating, {"is_approved": False, "reason": "It says where somebody lives."})
    twice = await moderate(scene, rating, {"is_approved": True}, expect=409)

    assert (waiting["is_flagged"], twice["code"], await said_of(scene)) == (True, "rating_moderated", [])
    seen = await scene.ask("GET", f"/v1/home-orders/{order['id']}/rating")
    assert (seen["state"], seen["reject_reason"]) == ("rejected", "It says where somebody lives.")
    assert await told("rating_rejected") == {"Grace"}


async def test_who_rates_and_until_when(scene: Scene, order: Body, clock: ManualClock) -> None:
    # She may order for Grace, and did not order this.
    await scene.do(order, "rating", GIVEN, by=scene.daughter, expect=403)
    await scene.do(order, "rating", GIVEN, by=scene.worker, expect=403)
    clock.advance(rules.WITHIN)
    late = await scene.do(order, "rating", GIVEN, expect=409)
    assert late["code"] == "not_rateable"


async def test_no_average_of_fewer_than_five_residents(scene: Scene, order: Body) -> None:
    await rated(scene, order, comment=None)
    offers = f"/v1/home-services/{scene.offer.service_id}/offers"
    quality = f"/v1/organizations/{scene.provider.id}/quality"
    provider = f"/v1/organizations/{scene.provider.id}/ratings"
    for stars in (5, 5, 4):
        await _another(scene, order, stars)
    # Four of them, one of whom was there twice.
    await _another(scene, order, 1, again=True)
    (before,) = (await scene.ask("GET", offers))["items"]
    (quiet,) = (await scene.ask("GET", quality, by=scene.keeper))["items"]
    await _another(scene, order, 5)
    (after,) = (await scene.ask("GET", offers))["items"]
    (shown,) = (await scene.ask("GET", quality, by=scene.operator))["items"]

    assert (before["score"], after["score"]) == (None, {"average": 3.7, "count": 6})
    assert (quiet["average_rating"], shown["average_rating"]) == (None, 3.7)
    assert (await scene.ask("GET", "/v1/me/ratings", by=scene.worker))["score"] == after["score"]
    found = await scene.ask("GET", provider, by=scene.keeper)
    assert [(one["worker"], one["score"]["average"]) for one in found["workers"]] == [("Li Mei", 3.7)]
    assert (shown["month"], shown["orders"], shown["on_time"], shown["late"]) == ("2026-03", 6, 1, 0)


async def _another(scene: Scene, order: Body, stars: int, *, again: bool = False) -> None:
    """Have somebody else rate what Mei did for them; ``again``: Grace, another time."""
    resident = scene.grace if again else await identity.resident(scene.place)
    async with unit_of_work() as session:
        service = await session.get_one(HomeService, scene.offer.service_id)
    at = clocks.now()
    row = await community_orders.order(
        resident, scene.ann, scene.offer, service, state="closed", wanted_at=at, starts_at=at
    )
    async with unit_of_work() as session:
        session.add(
            Rating(
                community_id=row.community_id,
                resident_id=row.resident_id,
                order_id=row.id,
                organization_id=row.organization_id,
                worker_id=scene.mei.id,
                rated_by=row.ordered_by,
                stars=stars,
                tags=[],
            )
        )
    assert order["worker_id"] == str(scene.mei.id)


@pytest.mark.parametrize(
    "text",
    [
        "Ring 138-0013-8000",
        "+49 30 1234567",
        "mail me: a@b.example",
        "She lives at 12 Elm Road",
        "Apt. 4b, third floor",
        "3号楼502室",
        "電话１３８００１３８０００",
    ],
)
def test_what_looks_like_a_number_or_an_address(text: str) -> None:
    assert rules.looks_personal(text)


@pytest.mark.parametrize("text", ["Came at 9, left at 11.", "5 stars! Paid 12500", "很好，打扫了2个小时"])
def test_what_names_nobody(text: str) -> None:
    assert not rules.looks_personal(text)
