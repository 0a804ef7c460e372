"""What help would cost at a resident's own home and who would pay it; and calling off at the cost that was shown."""

from datetime import timedelta

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from community.housekeeping.models import ServiceOffer
from tests.community.orders.conftest import THURSDAY, TOTAL, Scene
from tests.factories import billing_subsidies as subsidies
from tests.factories import identity, sign_in


def _wanted(scene: Scene) -> dict[str, str]:
    return {"offer_id": str(scene.offer.id), "starts_at": THURSDAY.isoformat()}


async def test_a_quote_is_for_the_residents_home_and_says_who_pays(scene: Scene) -> None:
    path = f"/v1/residents/{scene.grace.id}/home-order-quotes"
    plain = await scene.ask("POST", path, _wanted(scene))
    programme = await subsidies.programme(scene.place, rate=6_000, categories=["cleaning"])
    await subsidies.entitlement(programme, scene.grace)
    helped = await scene.ask("POST", path, _wanted(scene), by=scene.daughter)

    assert (plain["total"], plain["own_amount"], plain["subsidies"]) == (TOTAL, TOTAL, [])
    assert helped["subsidies"] == [{"programme_id": str(programme.id), "amount": 7_500}]
    assert (helped["total"], helped["own_amount"]) == (TOTAL, TOTAL - 7_500)
    await scene.placed(total=helped["total"], offer_version=helped["offer_version"])


async def test_a_quote_is_for_whoever_may_order(scene: Scene) -> None:
    path = f"/v1/residents/{scene.grace.id}/home-order-quotes"
    looking = await identity.account(scene.place, name="Bo", phone="+8613800000010")
    await identity.grant(scene.grace, looking, ["home_services:read"])

    await scene.ask("POST", path, _wanted(scene), by=await sign_in.session_of(looking), expect=403)
    await scene.ask("POST", path, _wanted(scene), by=scene.keeper, expect=404)
    await scene.ask("POST", path, _wanted(scene) | {"duration": "PT11H"}, expect=422)


async def test_a_home_that_is_not_on_the_map_has_no_quote(scene: Scene) -> None:
    nowhere = await identity.resident(scene.place, phone="+8613800000020")
    await identity.grant(nowhere, scene.ann, ["home_services:order"])

    path = f"/v1/residents/{nowhere.id}/home-order-quotes"
    refused = await scene.ask("POST", path, _wanted(scene), by=scene.daughter, expect=409)
    assert refused["code"] == "home_not_on_map"


async def test_who_was_shown_another_cost_calls_nothing_off(scene: Scene, clock: ManualClock) -> None:
    async with unit_of_work() as session:
        offer = await session.get_one(ServiceOffer, scene.offer.id)
        offer.late_percent, offer.notice_period = 50, timedelta(hours=24)
    order = await scene.placed(offer_version=2)
    clock.set(THURSDAY - timedelta(hours=2))

    refused = await scene.do(order, "cancellation", {"reason": "changed_mind", "fee": 0}, expect=409)
    assert (refused["code"], refused["fee"]) == ("cancellation_fee_changed", TOTAL // 2)
    assert (await scene.seen(order))["state"] == "placed"
    done = await scene.do(order, "cancellation", {"reason": "changed_mind", "fee": refused["fee"]})
    again = await scene.do(order, "cancellation", {"reason": "changed_mind", "fee": 0})
    assert (done["state"], done["fee"], again["fee"]) == ("cancelled", TOTAL // 2, TOTAL // 2)


async def test_the_provider_owes_nothing_whatever_is_shown(scene: Scene) -> None:
    order = await scene.placed()

    refused = await scene.do(order, "cancellation", {"reason": "no_worker", "fee": 5}, by=scene.keeper, expect=409)
    assert refused["fee"] == 0
    assert (await scene.do(order, "cancellation", {"reason": "no_worker", "fee": 0}, by=scene.keeper))["fee"] == 0
