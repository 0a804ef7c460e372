"""A shift at the duty desk, by keyboard alone, and handed over between two windows."""

import re
from uuid import UUID

from playwright.async_api import expect

from app.identity.models import Account
from app.portal.desk.texts import WORDS
from app.portal.ground.texts import COMMON
from eldercare.alarms.models import Severity
from tests.browser.portal.windows import PATIENCE, Window, Windows
from tests.browser.portal.world import world
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.portal import hostile

EN = WORDS["en"]


async def chosen_by_keys(mine: Window, alarm_id: UUID) -> None:
    """Go down the queue to an alarm, up and down again, and open it."""
    keys, card = mine.page.keyboard, mine.page.locator(f"#alarm-{alarm_id}")
    await keys.press("?")
    await expect(mine.page.locator("#keys")).to_be_visible()
    await keys.press("Escape")
    for _ in range(4):
        await keys.press("j")
        if "chosen" in (await card.get_attribute("class") or ""):
            break
    await keys.press("k")
    await keys.press("j")
    await expect(card).to_have_class(re.compile("chosen"))
    await keys.press("Enter")
    await mine.is_at(f"/portal/desk/alarms/{alarm_id}")


async def handed_over(mine: Window, theirs: Window, giver: Account, taker: Account) -> None:
    """Hand the alarm both have open over, from one to the other."""
    part = mine.page.locator("#handing-over")
    await part.locator("summary").press("Enter")
    await part.locator("select").select_option(str(taker.id))
    await part.locator("textarea").fill(hostile.MARKUP)
    await part.locator("button").press("Enter")
    await mine.sees(EN["done_handover"])
    await theirs.sees(EN["offered_you"].format(name=giver.name))
    await theirs.sees(hostile.MARKUP)
    await theirs.page.get_by_role("button", name=EN["acceptance"]).press("Enter")
    await theirs.sees(EN["done_acceptance"])
    await mine.sees(EN["has_it"].format(name=taker.name))


async def ended(theirs: Window) -> None:
    """Say that somebody is there, and end the alarm."""
    await theirs.page.locator("#act-arrival").press("Enter")
    await theirs.sees(EN["done_arrival"])
    ending = theirs.page.locator("#ending")
    if await ending.get_attribute("open") is None:
        await ending.locator("summary").press("Enter")
    await ending.locator("select").select_option("helped")
    await ending.locator("textarea").fill(hostile.QUOTES)
    await ending.locator("button").press("Enter")
    await theirs.sees(EN["done_resolution"])


async def test_an_alarm_is_taken_handed_over_and_ended_by_keyboard(open_windows: Windows) -> None:
    scene = await world()
    lonely = await identity.resident(scene.community, name=hostile.BACKWARDS + hostile.GERMAN)
    mine = await open_windows.of(scene.desk, "desk")
    theirs = await open_windows.of(scene.colleague, "desk", look="dark")
    keys = mine.page.keyboard
    await mine.open("/portal/desk")
    await mine.follows()
    await keys.press("s")
    await expect(mine.page.locator("#sound")).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)

    # What comes in appears, is heard, and is counted on the tab.
    alarm = await alarms.raised(lonely, kind="sos", severity=Severity.CRITICAL)
    card = mine.page.locator(f"#alarm-{alarm.id}")
    await expect(card).to_contain_text(EN["nobody_has_it"], timeout=PATIENCE)
    await expect(mine.page).to_have_title(re.compile(r"^\(\d+\) "), timeout=PATIENCE)
    await expect(mine.page.locator("html")).to_have_attribute("data-sounded", re.compile(r"\d+"), timeout=PATIENCE)
    await chosen_by_keys(mine, alarm.id)
    await keys.press("c")
    await mine.sees(EN["done_claim"])
    await mine.sees(EN["you_have_it"])
    first = mine.page.locator(".script input").first
    await first.press("Space")
    await expect(first).to_be_checked()
    await mine.open(f"/portal/desk/alarms/{alarm.id}")
    await expect(first).to_be_checked()

    await theirs.open(f"/portal/desk/alarms/{alarm.id}")
    await theirs.follows()
    await handed_over(mine, theirs, scene.desk, scene.colleague)
    await ended(theirs)
    await mine.sees(COMMON["en"]["short_resolved"])
    await keys.press("q")
    await mine.is_at("/portal/desk")
    await expect(card).to_have_count(0, timeout=PATIENCE)
