"""A day at a museum: sold at the counter, scanned at the gate, seen in the crowd, and the afternoon called off."""

import re
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from playwright.async_api import Browser, expect

from app.core import clock
from app.identity.models import Account, Organization
from app.portal.attraction.texts import WORDS
from community.attractions.models import Attraction
from community.gates.models import Gate
from community.ticketing.models import TicketProduct, TicketSlot
from tests.browser.gates import Devices
from tests.browser.portal.conftest import Portal
from tests.browser.portal.windows import PATIENCE, Size, Window, Windows
from tests.factories import community_attractions as attractions
from tests.factories import community_gates as gates
from tests.factories import community_ticketing as ticketing
from tests.factories import community_tickets as tickets
from tests.factories import identity
from tests.portal import hostile

EN = WORDS["en"]
PHONE = "+8613800138000"


@dataclass(frozen=True)
class Museum:
    """A museum that is open now, at about ten in the morning of its own clock."""

    house: Organization
    place: Attraction
    gate: Gate
    keeper: Account
    worker: Account
    adult: TicketProduct
    companion: TicketProduct
    slots: list[TicketSlot]

    @property
    def base(self) -> str:
        """Where its pages are."""
        return f"/portal/attraction/{self.place.organization_id}/{self.place.id}"

    @property
    def today(self) -> date:
        """The day of its own calendar."""
        return self.slots[0].starts_at.astimezone(ZoneInfo(self.place.time_zone)).date()

    @property
    def day(self) -> str:
        """Where the slots of its day are."""
        return f"{self.base}/days/{self.today}"


async def museum(*, capacity: int = 5, keeper: str = hostile.GERMAN[:60]) -> Museum:
    """Insert a museum with a slot that goes on and two in its afternoon, for which somebody has tickets."""
    community = await identity.community()
    house = await attractions.organization(community)
    now = clock.now().replace(second=0, microsecond=0)
    # Wherever the test runs, the museum's day has begun and is not over soon.
    zone = f"Etc/GMT{min(now.hour - 10, 12):+d}"
    names = {"en": "Lake Museum", "zh-CN": "湖泊博物馆"}
    place = await attractions.attraction(
        house, hours=attractions.ALWAYS, capacity=capacity, name=names, time_zone=zone, kind="museum"
    )
    adult = await ticketing.product(house, place.id)
    companion = await ticketing.product(
        house, place.id, "companion", kind="companion", price_amount=0, needs_entitlement="companion", is_online=False
    )
    starts = [now + timedelta(minutes=minutes) for minutes in (-10, 120, 240)]
    today = now.astimezone(ZoneInfo(zone)).date()
    slots = await ticketing.slots(house, place.id, starts, capacity=20, day=today)
    for number in range(3):
        resident = await identity.resident(community, name=f"Resident {number}", phone=f"+861390000000{number}")
        await tickets.cart(resident, slots[1 + number % 2], adult, quantity=2)
    gate = await gates.gate(place, "East gate")
    boss = await identity.staff(house, "coordinator", name=keeper)
    worker = await identity.staff(house, "worker", name="Li Mei", phone=PHONE)
    return Museum(house, place, gate, boss, worker, adult, companion, slots)


async def sold_at_the_counter(window: Window, scene: Museum) -> uuid.UUID:
    """Open a till and sell two tickets for cash, with a companion for nothing; return the first ticket."""
    await window.open(f"{scene.base}/office")
    await window.is_accessible()
    await window.page.locator("#f-counted").fill("200")
    await window.press(EN["open_till"])
    await window.sees(EN["done_till_open"])
    await window.page.locator(f"#q-{scene.adult.id}").fill("2")
    await window.page.locator(f"#q-{scene.companion.id}").fill("1")
    await window.page.get_by_role("checkbox", name=EN["proof_companion"]).check()
    await window.is_accessible()
    await window.press(EN["what_it_costs"])
    await expect(window.page.locator("#total")).to_contain_text("120.00", timeout=PATIENCE)
    await window.is_accessible()
    await window.page.locator("#f-tendered").fill("150")
    await window.press(EN["sell_for"].format(money="CN¥120.00"))
    await window.sees(EN["hand_back"].format(money="CN¥30.00"))
    await expect(window.page.locator(".qr svg")).to_have_count(3, timeout=PATIENCE)
    await window.is_accessible()
    first = await window.page.locator("input[name=ticket_id]").first.get_attribute("value")
    return uuid.UUID(first or "")


async def scanned_at_the_gate(browser: Browser, url: str, scene: Museum, ticket_id: uuid.UUID) -> None:
    """Follow the gate's link on a phone, sign in there, and scan a ticket."""
    (text,) = await gates.texts([await tickets.ticket_row(ticket_id)])
    async with AsyncExitStack() as stack:
        found = Devices(browser, url, stack)
        device = await found.one(f"?gate={scene.gate.id}", viewport={"width": 360, "height": 740})
        await device.sign_in(PHONE)
        # Nobody has to look for the gate in a list.
        await expect(device.page.locator("#gate-name")).to_contain_text("East gate", timeout=PATIENCE)
        await expect(device.page.locator("#synced")).to_have_text(await device.words("never_synced"), timeout=PATIENCE)
        await device.type(text)
        await device.says("admitted")
        await device.unsent(0)
        await expect(device.page.locator("#synced")).to_have_attribute("data-at", re.compile(r"\d+"), timeout=PATIENCE)
        assert found.complaints == []


async def found_and_looked_at(window: Window, scene: Museum, ticket_id: uuid.UUID) -> None:
    """Scan a ticket into the field that looks for its order, open it, and see what could be given back."""
    (text,) = await gates.texts([await tickets.ticket_row(ticket_id)])
    await window.open(f"{scene.base}/orders?day={scene.today}")
    await window.page.locator("#f-code").fill(text)
    await window.page.locator("#f-code").press("Enter")
    await window.page.locator("#found a").first.click(timeout=PATIENCE)
    await window.sees(EN["scan_of"].format(number=1, gate="East gate"))
    await window.page.locator("#refund summary").click(timeout=PATIENCE)
    await window.is_accessible()


async def season_previewed(window: Window, scene: Museum) -> None:
    """Say what a season would be: so many slots, none of them made yet."""
    await window.open(f"{scene.base}/seasons/new")
    await window.page.locator("#f-name").fill(hostile.MARKUP)
    await window.page.locator("#f-ends_on").fill(str(scene.today + timedelta(days=10)))
    await window.page.locator("#f-times").fill("9:00, 11:00")
    await window.page.locator("#f-lasts").fill("60")
    await window.page.locator("#f-capacity").fill("20")
    await window.press(EN["see_what_it_means"])
    await window.sees(EN["slots_created"].format(count=20))
    await window.is_accessible()
    await window.press(EN["save_season"])
    await window.sees(EN["done_season_made"])


async def called_off(window: Window, scene: Museum, size: Size) -> None:
    """Call the afternoon off: choose, see whom it concerns, say why, confirm, and follow until all is done."""
    await window.open(scene.day)
    await window.follows()
    await window.is_fine(size)
    for slot in scene.slots[1:]:
        await window.page.locator(f'label[for="slot-{slot.id}"]').click(timeout=PATIENCE)
    await window.press(EN["cancel_chosen"])
    await expect(window.page.locator("#concerned-orders")).to_have_text("3", timeout=PATIENCE)
    await expect(window.page.locator("#concerned-people")).to_have_text("6", timeout=PATIENCE)
    await window.is_accessible()
    await window.page.locator("#f-reason").select_option("technical")
    await window.page.locator("#f-message_en").fill(hostile.MARKUP)
    await window.page.locator("#f-message_zh").fill("水管爆裂，非常抱歉。")
    await window.press(EN["go_on"])
    await window.sees(EN["cancel_sure"].format(count=2))
    await window.is_accessible()
    await window.page.get_by_role("checkbox").check()
    await window.press(EN["cancel_now"])
    await window.sees(EN["done_cancelled"])
    await window.follows()
    await window.is_accessible()
    # Nobody loads the page again: it follows until everybody has their money.
    await window.sees(EN["progress_done"])
    await window.sees(EN["progress_says"].format(over=6, all=6))
    await expect(window.page.locator("#told")).to_have_text(EN["so_many_of"].format(count=3, all=3), timeout=PATIENCE)
    await window.sees("CN¥360.00")


async def test_sold_scanned_seen_and_called_off(open_windows: Windows, portal: Portal, browser: Browser) -> None:
    scene = await museum()
    counter = await open_windows.of(scene.worker, "desk")
    overview = await open_windows.of(scene.keeper, "phone", second_factor=True)
    await overview.open(scene.base)
    await overview.follows()
    await overview.is_fine("phone")
    crowd = overview.page.locator("#inside")
    await expect(crowd).to_have_text(EN["inside_of"].format(count=0, capacity=5), timeout=PATIENCE)

    ticket_id = await sold_at_the_counter(counter, scene)
    await scanned_at_the_gate(browser, portal.url, scene, ticket_id)
    await expect(crowd).to_have_text(EN["inside_of"].format(count=1, capacity=5), timeout=PATIENCE)
    await found_and_looked_at(counter, scene, ticket_id)
    await called_off(overview, scene, "phone")


async def test_every_page_is_met_on_a_phone_and_at_a_desk(open_windows: Windows) -> None:
    scene = await museum()
    await gates.conflict(scene.gate)
    phone = await open_windows.of(scene.keeper, "phone", second_factor=True)
    desk = await open_windows.of(scene.keeper, "desk", second_factor=True)
    today = scene.today
    quota = await ticketing.quota(scene.house, scene.place.id, scene.slots, scope="day")
    for page in ("/days", "/gates", f"/products/{scene.adult.id}", "/hours", "/seasons/new"):
        await phone.open(scene.base + page)
        await phone.is_fine("phone")
        await desk.open(scene.base + page)
        await desk.is_accessible()
    # Others are made of the same: here nothing may be hidden below the navigation.
    await phone.page.set_viewport_size({"width": 360, "height": 3_000})
    for page in (
        f"/slots/{scene.slots[0].id}",
        f"/gates/{scene.gate.id}",
        "/cancellations",
        "/products",
        "/sales",
        "/edit",
        f"/orders?day={today}",
        f"/weeks/{today}",
        "/seasons",
        "/quotas",
        f"/quotas/{quota.id}?day={today}",
        "/addons",
        "/terms",
    ):
        await phone.open(scene.base + page)
        await phone.is_accessible()
    await season_previewed(phone, scene)
