"""A resident at home before their own screens, and what of it can be read where a page is not to be believed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from playwright.async_api import expect

from app.core.database import reading
from app.identity.models import Account, Resident
from app.portal.ground.texts import COMMON
from app.portal.resident_home.texts import WORDS
from tests.browser.portal.phones import keeps
from tests.browser.portal.times import at_noon, time_of_day
from tests.browser.portal.windows import PATIENCE, Window
from tests.browser.portal.world import person_of
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_medication as medication
from tests.faults.processes import eventually
from tests.portal import hostile

EN: Final = WORDS["en"]
ALL: Final = COMMON["en"]
_ITEMS: Final = """() => new Promise((resolve, reject) => {
    const opening = indexedDB.open("hearthline-outbox");
    opening.onerror = reject;
    opening.onsuccess = () => {
        const asked = opening.result.transaction("items").objectStore("items").getAll();
        asked.onsuccess = () => {
            opening.result.close();
            resolve(asked.result.map(({ kind }) => kind));
        };
    };
})"""


@dataclass
class Home:
    """A resident who is asked within the hour and takes something now."""

    resident: Resident
    person: Account
    scene: alarms.Scene

    async def answered(self) -> sa.Row[Any] | None:
        """Return the check-in that was answered, if one was."""
        return next((one for one in await check_ins.check_ins(self.resident) if one.state == "answered"), None)

    async def doses(self) -> list[sa.Row[Any]]:
        """Return the doses somebody took."""
        return [one for one in await medication.doses(self.resident) if one.state == "taken"]

    async def answered_at(self) -> datetime:
        """Return as of when a question counts as answered, once it is."""

        async def is_answered() -> bool:
            return await self.answered() is not None

        await eventually(is_answered)
        answered = await self.answered()
        assert answered is not None
        found: datetime = answered.answered_at
        return found


async def at_home(name: str = hostile.CHINESE) -> Home:
    """Insert the resident; wherever it is run, it is about noon where they live."""
    scene = await alarms.scene(circle=1, time_zone=at_noon())
    return await lives(scene, scene.resident, name)


async def lives(scene: alarms.Scene, resident: Resident, drug: str) -> Home:
    """Let a resident be asked in a while, and have something to take now."""
    zone = at_noon()
    await check_ins.plan(resident, times=[time_of_day(20, zone)], time_zone=zone)
    await medication.regimen(resident, drug={"name": drug[:80]}, times=[time_of_day(10, zone)], time_zone=zone)
    return Home(resident, await person_of(resident), scene)


async def open_kept(window: Window) -> None:
    """Open the first page, and return once it can be read without a line."""
    await window.open("/me")
    await keeps(window.page, "/me", "/me/help", "/me/doses")
    await expect(window.page.locator("#sos-title")).to_be_hidden()


async def waiting(window: Window) -> list[str]:
    """Return the kinds of what waits on the device to be sent, whoever it is of."""
    kinds: list[str] = await window.page.evaluate(_ITEMS)
    return kinds


async def signals() -> list[tuple[Any, ...]]:
    """Return every call for help that the server has: when it was pressed."""
    async with reading() as connection:
        rows = await connection.execute(sa.text("SELECT occurred_at FROM eldercare_alarm_signal"))
        return [tuple(row) for row in rows]


async def says_not_sent(window: Window) -> None:
    """Return once the page says in large letters that help was not called, and whom to phone."""
    await expect(window.page.locator("[data-sos-alert] .not-sent")).to_be_visible(timeout=PATIENCE)
    assert await window.page.locator("[data-sos-alert]").get_attribute("role") == "alert"
    await expect(window.page.locator("#sos a[href='tel:120']")).to_be_visible()


async def says_sent(window: Window) -> None:
    """Return once the page says that the call for help has arrived."""
    says = EN["help_sent"].partition("{")[0].strip()
    await expect(window.page.locator("[data-sos-says]")).to_contain_text(says, timeout=PATIENCE)
    await expect(window.page.locator("[data-sos-alert] .not-sent")).to_have_count(0)


def within(at: datetime, since: datetime, until_: datetime) -> bool:
    """Say whether something counts as of when it was pressed."""
    return since - timedelta(seconds=1) <= at <= until_ + timedelta(seconds=1)
