"""Tickets: got one question at a time, shown with a code that the gate reads, and given back at what was shown."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest_asyncio
from PIL import Image

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.portal.resident_life import buying
from app.portal.resident_life.texts import WORDS
from community.attractions.models import Attraction
from tests.community.orders.conftest import Scene
from tests.factories import community_attractions as attractions
from tests.factories import community_ticketing as ticketing
from tests.factories import community_tickets as tickets
from tests.factories import identity
from tests.factories.community_ticketing import OnOffer
from tests.portal import hostile
from tests.portal.elements import Elements
from tests.portal.gates.pictures import painted
from tests.portal.gates.test_reading import read
from tests.portal.ground import form_on, submit
from tests.portal.resident_life.conftest import Life, Opening, account_of, language_of, links, values

EN = WORDS["en"]
TICKETS = "/me/tickets"
THURSDAY = datetime(2026, 3, 5, 1, tzinfo=UTC)


@pytest_asyncio.fixture(loop_scope="session")
async def offered(life: Life) -> OnOffer:
    """Insert an attraction whose tickets are sold on a Thursday."""
    museum = await attractions.organization(life.place)
    found = await ticketing.on_offer(museum, first=THURSDAY, capacity=4)
    await ticketing.terms(museum, found.attraction_id, pays_at_desk=True)
    return found


async def asked(browser: httpx.AsyncClient, offered: OnOffer, **counts: str) -> httpx.Response:
    """Answer where, which day, what time and who, and return the page that asks whether it is to be so."""
    base = f"{TICKETS}/buy/{offered.attraction_id}"
    assert links(await browser.get(f"{TICKETS}/buy"), base) == [base]
    (day,) = links(await browser.get(base), f"{base}?day=")
    times = links(await browser.get(day), f"{base}?slot=")
    assert len(times) == len(offered.slots)
    who = await browser.get(times[0])
    wish = {f"n-{offered.products[code].id}": count for code, count in counts.items()}
    return await browser.get(base, params=form_on(who, base) | wish)


async def test_a_ticket_is_got_one_question_at_a_time(life: Life, offered: OnOffer, browser: httpx.AsyncClient) -> None:
    assert EN["no_tickets"] in (await browser.get(TICKETS)).text
    base = f"{TICKETS}/buy/{offered.attraction_id}"
    page = await asked(browser, offered, adult="2")
    assert "CN¥120.00" in page.text
    fields = form_on(page, base) | {"pay": "provider"}
    bought, twice = await browser.post(base, data=fields), await browser.post(base, data=fields)
    assert bought.headers["location"] == twice.headers["location"] == f"{TICKETS}?done=bought"
    shown = await browser.get(TICKETS)
    assert len(links(shown, f"{TICKETS}/codes/")) == 2
    # The same once more is asked about, and is got if that is meant.
    again = await browser.post(base, data=fields | {"key": "another"})
    assert again.status_code == 409
    assert EN["trouble_cart_exists"] in again.text
    more = await browser.post(base, data=form_on(again, base) | {"pay": "provider"})
    assert more.headers["location"] == f"{TICKETS}?done=bought"
    assert len(links(await browser.get(TICKETS), f"{TICKETS}/codes/")) == 4


async def test_whoever_is_quicker_is_told_in_words(life: Life, offered: OnOffer, browser: httpx.AsyncClient) -> None:
    base = f"{TICKETS}/buy/{offered.attraction_id}"
    page = await asked(browser, offered, adult="2")
    other = await identity.resident(life.place, phone="+8613800000055")
    await tickets.cart(other, offered.slots[0], offered.products["adult"], quantity=3)
    refused = await browser.post(base, data=form_on(page, base) | {"pay": "provider"})
    assert refused.status_code == 409
    assert EN["trouble_pool_exhausted"] in refused.text


async def test_what_needs_a_card_says_so(life: Life, offered: OnOffer, browser: httpx.AsyncClient) -> None:
    page = await asked(browser, offered, senior="1", adult="0")
    assert page.status_code == 409
    assert EN["trouble_entitlement_missing"] in page.text


async def test_a_ticket_shows_what_the_gate_reads(
    life: Life, offered: OnOffer, scene: Scene, browser: httpx.AsyncClient, tmp_path: Path
) -> None:
    cart = await tickets.cart(life.resident, offered.slots[0], offered.products["adult"], quantity=2)
    one, two = [str(ticket.id) for ticket in cart.orders[0].tickets]
    page = await browser.get(f"{TICKETS}/codes/{one}")
    assert links(page, f"{TICKETS}/codes/") == [f"{TICKETS}/codes/{two}"]
    assert 'fill="#fff"' in page.text
    assert 'fill="#000"' in page.text
    assert page.headers["x-who"] == str(life.person.id), "kept for reading without a connection"
    assert len(page.content) < 40_000
    # The gate's own reader reads it off the page, and it is the code that the API signed.
    (path,) = [given["d"] or "" for tag, given in Elements(page.text).found if given.get("fill") == "#000"]
    (box,) = [given["viewbox"] or "" for tag, given in Elements(page.text).found if given.get("role") == "img"]
    picture = painted(int(box.split()[-1]), path)
    signed = (await scene.ask("GET", f"/v1/tickets/{one}/code"))["text"]
    assert read(tmp_path, [picture.resize((picture.width * 6,) * 2, Image.Resampling.NEAREST)]) == [signed]


async def test_nobody_elses_ticket_is_shown(
    life: Life, offered: OnOffer, browser: httpx.AsyncClient, open_browser: Opening
) -> None:
    other = await identity.resident(life.place, phone="+8613800000055")
    cart = await tickets.cart(other, offered.slots[0], offered.products["adult"])
    ticket = cart.orders[0].tickets[0].id
    assert (await browser.get(f"{TICKETS}/codes/{ticket}")).status_code == 404
    assert (await browser.get(f"{TICKETS}/orders/{cart.orders[0].id}/giving-back")).status_code == 404
    assert (await (await open_browser(await account_of(other))).get(f"{TICKETS}/codes/{ticket}")).status_code == 200


async def test_tickets_are_given_back_at_what_was_shown(
    life: Life, offered: OnOffer, browser: httpx.AsyncClient, clock: ManualClock
) -> None:
    cart = await tickets.cart(life.resident, offered.slots[0], offered.products["adult"], quantity=2)
    where = f"{TICKETS}/orders/{cart.orders[0].id}/giving-back"
    page = await browser.get(where)
    every, first, _ = values(page, "what")
    assert every.count(",") == 1
    assert int(every.partition(":")[2]) == 2 * int(first.partition(":")[2])
    wrong = await browser.post(where, data=form_on(page, where) | {"what": f"{first.partition(':')[0]}:1"})
    assert wrong.status_code == 409
    assert EN["trouble_refund_changed"] in wrong.text
    done = await browser.post(where, data=form_on(wrong, where) | {"what": first})
    assert done.headers["location"] == f"{TICKETS}?done=given_back"
    assert len(links(await browser.get(TICKETS), f"{TICKETS}/codes/")) == 1
    for what in ("nonsense", f"{first.partition(':')[0]}:{'9' * 30}"):
        nonsense = await submit(browser, where, where, what=what)
        assert nonsense.status_code == 422, what
    clock.set(THURSDAY + timedelta(days=2))
    assert EN["no_tickets"] in (await browser.get(TICKETS)).text
    assert (await browser.get(f"{TICKETS}/past")).status_code == 200


async def test_pages_are_there_in_both_languages_whatever_places_are_called(
    life: Life, offered: OnOffer, browser: httpx.AsyncClient
) -> None:
    cart = await tickets.cart(life.resident, offered.slots[0], offered.products["adult"])
    ticket, order = cart.orders[0].tickets[0].id, cart.orders[0].id
    base = f"{TICKETS}/buy/{offered.attraction_id}"
    pages = (
        TICKETS,
        f"{TICKETS}/codes/{ticket}",
        f"{TICKETS}/orders/{order}/giving-back",
        f"{TICKETS}/buy",
        base,
        f"{base}?slot={offered.slots[0].id}",
        f"{TICKETS}/past",
    )
    for name in hostile.NAMES:
        async with unit_of_work() as session:
            place = await session.get_one(Attraction, offered.attraction_id)
            place.name = {"en": name[:80], "zh-CN": name[:80]}
        for page in pages:
            shown = await browser.get(page)
            assert shown.status_code == 200, page
            assert hostile.harmless(shown.text)
    await language_of(life, "zh-CN")
    assert WORDS["zh-CN"]["tickets"] in (await browser.get(TICKETS)).text
    assert WORDS["zh-CN"]["hold_to_camera"] in (await browser.get(pages[1])).text


def test_counts_that_cannot_be_read_are_none() -> None:
    given = [("n-a", "2"), ("n-b", "-1"), ("n-c", "x"), ("n-d", "999"), ("n-e", "0"), ("slot", "7")]
    assert buying.counted(given) == {"a": 2, "d": buying.MOST_OF_ONE}


def test_what_asks_for_a_name_is_bought_for_oneself_alone() -> None:
    slot = {"left": 9, "limits": [{"left": 3, "product_ids": ["few"]}]}
    plain = {"id": "any", "is_named": False, "max_per_person": None, "persons": 1}
    assert buying.most(plain, slot) == buying.MOST_OF_ONE
    assert buying.most(plain | {"is_named": True}, slot) == 1
    assert buying.most(plain | {"id": "few"}, slot) == 3
    assert buying.most(plain | {"max_per_person": 2}, slot) == 2


def test_ids_of_products_are_taken_as_they_are() -> None:
    assert buying.counted([(f"n-{uuid.UUID(int=1)}", "1")]) == {str(uuid.UUID(int=1)): 1}
