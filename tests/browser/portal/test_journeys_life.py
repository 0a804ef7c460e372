"""The ways of a resident through help at home, tickets, their home, messages, and who looked."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import Image
from playwright.async_api import expect

from app.billing.authorizations import jobs as billing_jobs
from app.core import clock
from app.core.database import unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Account, Resident
from app.portal.resident_life.texts import WORDS
from community.homes.models import Home
from community.orders import jobs as order_jobs
from tests.browser.portal.phones import keeps
from tests.browser.portal.times import at_noon
from tests.browser.portal.windows import PATIENCE, Window, Windows
from tests.browser.portal.world import person_of
from tests.community.home_commands.conftest import stands
from tests.community.orders.conftest import subscribed
from tests.community.orders.test_paying import card_of
from tests.factories import billing_subsidies as subsidies
from tests.factories import community_attractions as attractions
from tests.factories import community_homes as homes
from tests.factories import community_housekeeping as housekeeping
from tests.factories import community_ticketing as ticketing
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.faults.processes import eventually
from tests.portal import hostile
from tests.portal.gates.test_reading import read

__all__ = ["subscribed"]

EN, ZH = WORDS["en"], WORDS["zh-CN"]
_MONEY = (*RELAY_JOBS, *billing_jobs.JOBS, *order_jobs.JOBS)
_SCOPES = ["messages:read", "messages:write", "circle:read", "profile:read", "vitals:read"]


@dataclass(frozen=True)
class Life:
    """A resident, their daughter, and what is there for them."""

    resident: Resident
    person: Account
    daughter: Account
    home: Home


async def lives(*, name: str = "Lake Museum", provider: str = "Bright Homes", person: str = "Grace") -> Life:
    """Insert them."""
    place = await identity.community(time_zone=at_noon())
    await identity.agreement(await identity.organization(place, "operator"))
    living = await identity.household(place, place=(31.23, 121.48))
    who = await identity.account(place, name=person[:100], phone="+8613800000051")
    resident = await identity.resident(place, person=who, home=living)
    daughter = await identity.account(place, name=f"Ann {person}"[:100], phone="+8613800000052")
    await identity.grant(resident, daughter, _SCOPES)
    await alarms.circle_member(resident, daughter, scopes=_SCOPES, relationship="daughter")
    service = await housekeeping.service(place)
    await housekeeping.offer(await identity.organization(place, "provider", name=provider[:100]), service)
    programme = await subsidies.programme(place, rate=6_000, categories=["cleaning"])
    await subsidies.entitlement(programme, resident)
    museum = await attractions.organization(place)
    texts = {"en": name[:80], "zh-CN": name[:80]}
    shown = await attractions.attraction(museum, hours=attractions.ALWAYS, name=texts)
    offered = await ticketing.on_offer(museum, shown.id, first=_tomorrow_at_ten(shown.time_zone))
    await ticketing.terms(museum, offered.attraction_id, pays_at_desk=True)
    return Life(resident, await person_of(resident), daughter, await _furnished(resident))


def _tomorrow_at_ten(zone: str) -> datetime:
    """Return when the first slot begins: all of them are of one day, whatever the time is now."""
    here = ZoneInfo(zone)
    return datetime.combine(clock.now().astimezone(here).date() + timedelta(days=1), time(10), here)


async def _furnished(resident: Resident) -> Home:
    home = await homes.home(resident, state="active", name="Home")
    kitchen = await homes.room(home, name="Kitchen")
    door, thing = await homes.device(home, name="Front door"), await homes.device(home, room=kitchen, name="Thing")
    config = {"command_topic": "x/set", "state_topic": "x/state"}
    lock = await homes.entity(door, "lock", role="lock", config=config, name="Front door")
    lamp = await homes.entity(thing, "light", role="light", config=config, name="Lamp")
    window = await homes.entity(thing, "binary_sensor", role="window", config=config, name="Window")
    warmth = await homes.entity(thing, "sensor", role="temperature", unit="°C", config=config, name="Temperature")
    await stands(lock, "locked", is_available=True)
    await stands(lamp, "on", is_available=True)
    await stands(window, "off", is_available=True)
    await stands(warmth, "21.5", number=21.5, is_available=True)
    return home


async def _choose(window: Window, begins: str, at: int = 0) -> None:
    await window.page.locator(f'main .life a[href^="{begins}"]').nth(at).click(timeout=PATIENCE)


async def _ordered(window: Window) -> None:
    """Order help, and look at every question."""
    await window.page.locator('main a[href="/me/services"]').click(timeout=PATIENCE)
    await window.sees(EN["nothing_comes"])
    await window.is_fine("phone")
    await _choose(window, "/me/services/book/")
    await window.sees(EN["how_long"])
    await _choose(window, "/me/services/book/")
    await window.sees(EN["when"])
    await window.is_fine("phone")
    await _choose(window, "/me/services/book/", 1)
    await window.sees(EN["shall_we_order"])
    await window.is_fine("phone")
    await window.press(EN["yes_order"])
    await window.sees(EN["done_ordered"])
    await window.is_fine("phone")
    await window.press(EN["call_off"])
    await window.sees(EN["call_off_costs_nothing"])
    await window.is_fine("phone")
    await window.press(EN["call_off_yes"])
    await window.sees(EN["order_cancelled"])


async def _agreed_to_a_series(window: Window) -> None:
    """Have help come again and again, and end it."""
    await window.open("/me/services")
    for at in (0, 0, 1):
        await _choose(window, "/me/services/book/", at)
    await window.press(EN["again_and_again"])
    await window.sees(EN["how_often"])
    await window.is_fine("phone")
    await _choose(window, "/me/services/book/", 1)  # the first one leads back
    await window.sees(EN["shall_it_repeat"])
    await window.is_fine("phone")
    await window.press(EN["yes_repeat"])
    await window.sees(EN["done_repeats"])
    await window.is_fine("phone")
    await window.press(EN["end_repeat"])
    await window.sees(EN["shall_it_end"])
    await window.is_fine("phone")
    await window.press(EN["end_yes"])
    await window.sees(EN["done_repeat_ended"])


async def _paid_at_the_bank(window: Window, life: Life) -> None:
    """Order on a card whose bank asks, be led there and back, and see the page follow what the bank says."""
    card = await card_of(life.person.id, life.resident.community_id, "3220")
    await window.open("/me/services")
    for at in (0, 0, 1):
        await _choose(window, "/me/services/book/", at)
    await window.page.locator(f"#f-pay-{card}").check(timeout=PATIENCE)
    await window.press(EN["yes_order"])
    await window.sees(EN["done_held"])
    await settle(_MONEY)
    await window.sees(EN["bank_asks"])
    await window.is_fine("phone")
    await window.press(EN["go_to_bank"])
    await window.sees(EN["made_up_bank_asks"].partition("{")[0])
    await window.is_fine("phone")
    await window.press(EN["made_up_bank_yes"])
    await window.sees(EN["payment_back_early"])
    assert window.page.url.endswith("?back")
    await window.is_fine("phone")

    async def is_paid() -> bool:
        await settle(_MONEY)  # the page has the bank asked, too, whenever it is loaded
        return EN["payment_says_paid"] in await window.page.inner_text("main")

    await eventually(is_paid)
    await window.press(EN["payment_go_on"])
    await window.sees(EN["order_placed"])


async def _got_tickets(window: Window) -> None:
    await window.open("/me/tickets")
    await window.press(EN["buy"])
    await window.is_fine("phone")
    await _choose(window, "/me/tickets/buy/")
    await _choose(window, "/me/tickets/buy/")
    await window.sees(EN["which_time"])
    await _choose(window, "/me/tickets/buy/", 1)
    await window.sees(EN["who_goes"])
    await window.is_fine("phone")
    await window.page.locator("main select").first.select_option("2")
    await window.press(EN["go_on"])
    await window.sees(EN["shall_we_buy"])
    await window.is_fine("phone")
    await window.press(EN["yes_buy"])
    await window.sees(EN["done_bought"])
    await window.is_fine("phone")


async def _scanned(window: Window, directory: Path) -> str | None:
    """Return what the gate's own reader reads off the screen."""
    picture = Image.open(BytesIO(await window.page.screenshot())).convert("L")
    [found] = read(directory, [picture])
    return found


async def test_help_is_ordered_and_a_ticket_is_read_off_the_screen(
    open_windows: Windows, tmp_path: Path, subscribed: None
) -> None:
    life = await lives()
    window = await open_windows.of(life.person)
    await window.open("/me")
    await _ordered(window)
    await _agreed_to_a_series(window)
    await _paid_at_the_bank(window, life)
    await _got_tickets(window)
    codes = await window.page.locator("a[data-keep]").evaluate_all("(all) => all.map((one) => one.pathname)")
    assert len(codes) == 2
    await keeps(window.page, *codes)
    await window.open(codes[0])
    await window.is_fine("phone")
    await window.page.set_viewport_size({"width": 390, "height": 844})
    first = await _scanned(window, tmp_path)
    assert first is not None
    assert first.startswith("HL1:")
    await window.page.emulate_media(color_scheme="dark")
    assert await _scanned(window, tmp_path) == first
    # At the gate there is no connection: the other one was never looked at, and is there.
    await window.context.set_offline(True)
    await window.page.goto(f"{window.url}{codes[1]}", timeout=PATIENCE, wait_until="domcontentloaded")
    second = await _scanned(window, tmp_path)
    assert second is not None
    assert second.startswith("HL1:")
    assert second != first
    await window.context.set_offline(False)


async def test_the_home_the_family_and_who_looked(open_windows: Windows) -> None:
    life = await lives(name=hostile.GERMAN, provider=hostile.MARKUP, person=hostile.QUOTES)
    window = await open_windows.of(life.person, "desk", look="dark")
    await window.open("/me/home")
    await window.sees(EN["all_shut"])
    await window.is_fine("desk")
    await window.page.get_by_role("button", name=EN["switch_off"]).click()
    await window.sees(EN["done_house_asked"])
    await window.page.get_by_role("button", name=EN["do_unlock"]).click()
    await window.sees(EN["asks_unlock"])
    await window.is_fine("desk")
    await window.press(EN["no_leave_it"])
    await window.sees(EN["all_shut"])

    daughter = await open_windows.of(life.daughter)
    await daughter.open(f"/portal/circles/{life.resident.id}/messages")
    await window.open("/me/messages")
    await window.follows()
    await daughter.page.locator("#f-text").fill(hostile.TEMPLATE)
    await daughter.page.locator("main form button.main").click()
    await window.sees(hostile.TEMPLATE)
    await window.page.locator("#f-text").fill(hostile.CHINESE)
    await window.press(EN["send_message"])
    await daughter.sees(hostile.CHINESE)
    await window.sees(hostile.CHINESE)
    await window.is_fine("desk")
    await window.open("/me/messages/notices")
    await window.is_fine("desk")

    await daughter.open(f"/portal/residents/{life.resident.id}/vitals")
    await window.open("/me/looked-at")
    await window.sees(life.daughter.name)
    await window.sees("your measurements")
    await window.is_fine("desk")
    await window.press(EN["take_back"])
    await window.press(EN["take_back_yes"])
    await window.sees(EN["done_taken_back"])
    answer = await daughter.page.goto(f"{daughter.url}/portal/residents/{life.resident.id}/vitals")
    assert answer is not None
    assert answer.status in (403, 404)


async def test_everything_fits_in_chinese(open_windows: Windows) -> None:
    life = await lives(name=hostile.CHINESE, provider=hostile.CHINESE, person=hostile.CHINESE)
    window = await open_windows.of(await _speaking_chinese(life), language="zh-CN")
    for page, says in (
        ("/me/services", ZH["order_help"]),
        ("/me/tickets", ZH["no_tickets"]),
        ("/me/home", ZH["all_shut"]),
        ("/me/messages", ZH["nothing_written"]),
        ("/me/looked-at", ZH["who_may"]),
    ):
        await window.open(page)
        await window.sees(says)
        await expect(window.page.locator("h1")).to_be_visible()
        await window.is_fine("phone")


async def _speaking_chinese(life: Life) -> Account:
    async with unit_of_work() as session:
        account = await session.get_one(Account, life.person.id)
        account.language = "zh-CN"
    return life.person
