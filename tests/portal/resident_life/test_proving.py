"""A card whose bank asks who pays: the way there, the way back, and what is true at each moment in between."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from app.billing.authorizations import jobs as billing_jobs
from app.billing.gateways.local_gateway import LocalGateway
from app.core.clock import ManualClock, new_id, now
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.settings import Settings, install_settings
from app.portal.resident_life.proving import is_own, standing
from app.portal.resident_life.texts import WORDS
from community.orders import jobs
from tests.billing.cards.conftest import WEBHOOKS, saved_card
from tests.billing.gateways.conftest import settings_for
from tests.community.orders.conftest import Scene
from tests.community.orders.test_paying import card_of
from tests.emulators.stripe import Stripe, stripe
from tests.factories import community_attractions as attractions
from tests.factories import community_ticketing as ticketing
from tests.portal.elements import Elements
from tests.portal.ground import form_on
from tests.portal.resident_life.conftest import Life, Opening, language_of, links
from tests.portal.resident_life.test_services import SERVICES, ordered
from tests.portal.resident_life.test_tickets import THURSDAY, asked

EN, ZH = WORDS["en"], WORDS["zh-CN"]
ASKS = "3220"


async def work() -> None:
    """Run what the worker does with the money, without waiting for anything."""
    await settle([*RELAY_JOBS, *billing_jobs.JOBS, *jobs.JOBS])


async def _at_the_bank(life: Life, browser: httpx.AsyncClient) -> tuple[str, str]:
    """Order with a card whose bank asks; return the page of the order, and of its payment."""
    order = await ordered(browser, life, pay=await card_of(life.person.id, life.place.id, ASKS))
    payment = f"/portal/payments/{order.rpartition('/')[2]}"
    held = await browser.get(order)
    assert EN["order_held"] in held.text
    assert f"{payment}/bank" not in links(held, payment)
    await work()
    asked_by_bank = await browser.get(order)
    assert EN["bank_asks"] in asked_by_bank.text
    assert f"{payment}/bank" in links(asked_by_bank, payment)
    return order, payment


async def _says(browser: httpx.AsyncClient, payment: str, says: str) -> httpx.Response:
    """Go to the made-up bank, answer it, and return the page one is led back to."""
    there = (await browser.get(f"{payment}/bank")).headers["location"]
    page = await browser.get(there)
    assert re.search(EN["made_up_bank_asks"].format(amount=r"CN¥\d+\.\d\d").replace("?", r"\?"), page.text)
    back = await browser.post(there, data=form_on(page, there) | {"says": says})
    assert back.headers["location"].startswith(f"{payment}?redirect_status=")
    clean = await browser.get(back.headers["location"])
    assert clean.headers["location"] == f"{payment}?back"
    return await browser.get(clean.headers["location"])


async def test_one_is_led_to_the_bank_and_back_and_told_what_is_true(life: Life, browser: httpx.AsyncClient) -> None:
    order, payment = await _at_the_bank(life, browser)
    await work()
    # Whatever the address says, it is not booked before the bank itself has said so.
    lied = await browser.get((await browser.get(f"{payment}?redirect_status=succeeded")).headers["location"])
    assert EN["payment_asks"] in lied.text
    assert EN["payment_back_early"] in lied.text
    assert EN["payment_kept_until"].partition("{")[0] in lied.text
    await work()
    assert EN["payment_asks"] in (await browser.get(f"{payment}/part")).text
    back = await _says(browser, payment, "yes")
    assert EN["payment_paid"] not in back.text
    await settle(billing_jobs.JOBS)
    assert EN["payment_agreed"] in (await browser.get(f"{payment}/part")).text
    await work()
    assert EN["payment_says_paid"] in (await browser.get(f"{payment}/part?back")).text
    assert EN["order_placed"] in (await browser.get(order)).text
    # There is nothing to be said at the bank any more: one is led to how it stands.
    for page in (f"{payment}/bank", f"{payment}/made-up-bank"):
        assert (await browser.get(page)).headers["location"] == payment


async def test_who_is_refused_is_told_and_can_pay_another_way(life: Life, browser: httpx.AsyncClient) -> None:
    order, payment = await _at_the_bank(life, browser)
    await _says(browser, payment, "no")
    await work()
    assert EN["payment_says_failed"] in (await browser.get(f"{payment}/part")).text
    refused = await browser.get(order)
    assert EN["bank_refused"] in refused.text
    assert EN["says_held"].partition("{")[0] not in refused.text
    other = await browser.post(f"{order}/another-way", data=form_on(refused, f"{order}/another-way"))
    assert other.headers["location"].startswith(f"{SERVICES}/book/{life.service.id}?minutes=300&at=")
    assert EN["order_cancelled"] in (await browser.get(order)).text
    question = await browser.get(other.headers["location"])
    where = f"{SERVICES}/book/{life.service.id}"
    again = await browser.post(where, data=form_on(question, where) | {"pay": "provider"})
    assert again.headers["location"].endswith("?done=ordered")


async def test_a_way_back_that_is_lost_is_made_up_for_by_opening_the_order(
    life: Life, browser: httpx.AsyncClient, clock: ManualClock
) -> None:
    order, payment = await _at_the_bank(life, browser)
    assert (await browser.get(f"{payment}/bank")).status_code == 303
    await work()
    (ref,) = [one.ref async for one in LocalGateway().intents_since(now() - timedelta(hours=1))]
    await LocalGateway().prove(ref)
    await work()
    assert EN["order_held"] in (await browser.get(order)).text  # the page was opened, and has had it looked at
    await work()
    assert EN["order_placed"] in (await browser.get(order)).text


async def test_nobody_else_goes_to_the_bank(scene: Scene, life: Life, open_browser: Opening) -> None:
    card = await card_of(scene.ann.id, scene.place.id, ASKS)
    order = await scene.placed(scene.daughter, payment_method="card", payment_method_id=card)
    await work()
    payment = f"/portal/payments/{order['id']}"
    resident, daughter = await open_browser(), await open_browser(scene.ann)
    shown = await resident.get(f"{SERVICES}/orders/{order['id']}")
    assert EN["bank_asks_other"] in shown.text
    assert EN["says_held"].partition("{")[0] not in shown.text
    for page in (payment, f"{payment}/part", f"{payment}/bank", f"{payment}/made-up-bank"):
        assert (await resident.get(page)).status_code == 404, page
    assert EN["payment_asks"] in (await daughter.get(payment)).text
    await _says(daughter, payment, "yes")
    await work()
    assert EN["payment_paid"] in (await daughter.get(payment)).text


async def test_a_ticket_is_paid_for_at_the_bank_as_well(life: Life, browser: httpx.AsyncClient) -> None:
    museum = await attractions.organization(life.place)
    offered = await ticketing.on_offer(museum, first=THURSDAY, capacity=4)
    page = await asked(browser, offered, adult="2")
    base = f"/me/tickets/buy/{offered.attraction_id}"
    card = await card_of(life.person.id, life.place.id, ASKS)
    page = await browser.get(str(page.url))
    bought = await browser.post(base, data=form_on(page, base) | {"pay": card})
    payment = bought.headers["location"]
    assert payment.startswith("/portal/payments/")
    assert EN["payment_asking"] in (await browser.get(payment)).text
    await work()
    tickets = await browser.get("/me/tickets")
    assert f"{payment}/bank" in links(tickets, payment)
    assert EN["payment_kept_until"].partition("{")[0] in tickets.text
    await _says(browser, payment, "yes")
    await work()
    assert EN["payment_paid"] in (await browser.get(payment)).text
    assert EN["ticket_held"] not in (await browser.get("/me/tickets")).text


async def test_whoever_has_to_sign_in_first_leaves_the_gateways_secrets_behind(life: Life) -> None:
    transport = httpx.ASGITransport(app=life.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as nobody:
        path = f"/portal/payments/{life.resident.id}"
        led = await nobody.get(f"{path}?payment_intent=pi_1&payment_intent_client_secret=pi_1_secret_x")
    assert led.headers["location"] == f"/portal/sign-in?next={path.replace('/', '%2F')}"


@pytest_asyncio.fixture(loop_scope="session")
async def at_stripe(life: Life, test_settings: Settings) -> AsyncIterator[Stripe]:
    async with stripe() as running:
        install_settings(test_settings.model_copy(update={"stripe": settings_for(running.url)}))
        try:
            yield running
        finally:
            install_settings(test_settings)


async def test_stripes_own_page_is_led_to_and_its_word_is_enough(
    life: Life, browser: httpx.AsyncClient, at_stripe: Stripe
) -> None:
    method = await saved_card(at_stripe, life.resident)
    at_stripe.state.objects[str(method.ref)]["_is"] = {"asks": True}
    order = await ordered(browser, life, pay=str(method.id))
    payment = f"/portal/payments/{order.rpartition('/')[2]}"
    await work()
    led = await browser.get(f"{payment}/bank")
    (intent,) = at_stripe.state.all_of("payment_intent")
    asking = intent["next_action"]["redirect_to_url"]
    assert (led.status_code, led.headers["location"]) == (303, asking["url"])
    assert led.headers["referrer-policy"] == "no-referrer"
    assert asking["return_url"] == f"http://127.0.0.1:8000{payment}"
    assert (await browser.get(f"{payment}/made-up-bank")).status_code == 404
    at_stripe.proves(intent["id"])
    # The tab was closed: Stripe tells it, and nobody has to come back for it.
    assert set(await at_stripe.deliver(browser, WEBHOOKS)) == {204}
    await work()
    assert EN["order_placed"] in (await browser.get(order)).text


async def test_it_is_said_in_chinese(life: Life, browser: httpx.AsyncClient) -> None:
    order, payment = await _at_the_bank(life, browser)
    await language_of(life, "zh-CN")
    for page, says in (
        (order, "bank_asks"),
        (payment, "payment_asks"),
        (f"{payment}/made-up-bank", "made_up_bank_yes"),
    ):
        assert ZH[says] in (await browser.get(page)).text


@pytest.mark.parametrize(
    ("money", "thing", "word"),
    [
        ("pending", "held", "asking"),
        ("requires_action", "held", "asks"),
        ("requires_action", None, "asks"),
        ("requires_action", "expired", "over"),
        ("authorized", "held", "agreed"),
        ("authorized", "placed", "paid"),
        ("authorized", "expired", "over"),
        ("authorized", None, "paid"),
        ("settled", "confirmed", "paid"),
        ("failed", "cancelled", "failed"),
        ("voided", "cancelled", "over"),
        ("lapsed", "assigned", "over"),
    ],
)
def test_only_what_is_booked_is_said_to_be(money: str, thing: str | None, word: str) -> None:
    assert standing(money, thing) == word


async def test_no_script_of_anybody_elses_is_on_these_pages(life: Life, browser: httpx.AsyncClient) -> None:
    _, payment = await _at_the_bank(life, browser)
    page = await browser.get(payment)
    sources = [given["src"] or "" for tag, given in Elements(page.text).found if tag == "script"]
    assert sources
    assert all(one.startswith("/") for one in sources)
    assert "script-src 'self'" in page.headers["content-security-policy"]


def test_what_somebody_else_gets_is_not_shown_as_ones_own_though_one_may_see_it() -> None:
    me, other = new_id(), new_id()
    assert is_own({"resident_id": str(me)}, me)
    for thing, resident_id in (({"resident_id": str(other)}, me), ({"resident_id": None}, None), (None, me)):
        assert not is_own(thing, resident_id)
