"""The ways of a resident: all is well, help, medicine; and what becomes of each without a line."""

import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, expect

from app.core import clock
from app.core.database import unit_of_work
from app.identity.models import Account
from app.portal.resident_home.texts import WORDS
from tests.browser.portal.at_home import (
    ALL,
    EN,
    Home,
    at_home,
    open_kept,
    says_not_sent,
    says_sent,
    signals,
    waiting,
    within,
)
from tests.browser.portal.conftest import Portal
from tests.browser.portal.windows import PATIENCE, Window, Windows
from tests.browser.visits import admit, sees, visit
from tests.factories import eldercare_alarms as alarms
from tests.factories import telemedicine
from tests.factories import telemedicine_appointments as appointments
from tests.factories import telemedicine_clinics as clinics
from tests.faults.processes import eventually
from tests.portal import hostile


async def reload(window: Window) -> None:
    """Load the page again, line or no line."""
    await window.page.reload(timeout=PATIENCE, wait_until="domcontentloaded")


async def all_arrive(home: Home, given: tuple[datetime, datetime], called: tuple[datetime, datetime]) -> None:
    """Return once the server has the answer, the dose and the call for help; fails on one not as of then."""

    async def have_arrived() -> bool:
        return bool(await signals() and await home.answered() and await home.doses())

    await eventually(have_arrived)
    answered = await home.answered()
    assert answered is not None
    assert within(answered.answered_at, *given)
    [taken] = await home.doses()
    assert within(taken.taken_at, *given)
    [(occurred_at,)] = await signals()
    assert within(occurred_at, *called)


Cut = Callable[[Window, Portal, bool], Awaitable[None]]


async def by_browser(window: Window, portal: Portal, is_cut: bool) -> None:
    """Take the device off the network."""
    del portal
    await window.context.set_offline(is_cut)


async def by_server(window: Window, portal: Portal, is_cut: bool) -> None:
    """Close the server's port; the device thinks that it has a network."""
    del window
    portal.network.cut() if is_cut else portal.network.restore()


@pytest.mark.parametrize("cut", [by_browser, by_server])
async def test_what_is_done_without_a_line_is_kept_and_sent_once_as_of_then(
    open_windows: Windows, portal: Portal, cut: Cut
) -> None:
    home = await at_home()
    window = await open_windows.of(home.person)
    await open_kept(window)
    await cut(window, portal, True)
    list_ = window.page.locator("[data-outbox-list]")
    begun = clock.now()
    await window.press(EN["fine"])
    await window.page.get_by_role("button", name=EN["dose_take"]).first.click()
    pressed = clock.now()
    await expect(list_).to_contain_text(EN["fine"], timeout=PATIENCE)
    await expect(list_).to_contain_text(EN["dose_take"])
    await expect(list_).to_contain_text(ALL["outbox_waiting"], timeout=PATIENCE)
    await reload(window)
    note = window.page.locator("[data-kept-note]")
    await expect(note).to_contain_text(ALL["kept_as_of"].partition("{")[0], timeout=PATIENCE)
    await expect(list_).to_contain_text(EN["fine"], timeout=PATIENCE)
    assert await home.answered() is None

    called = clock.now()
    await window.press(EN["help"])
    await says_not_sent(window)
    counted = clock.now()
    await reload(window)
    await says_not_sent(window)
    # Another page says so, too, and another tab.
    other = await window.context.new_page()
    await other.goto(f"{window.url}/me/doses", timeout=PATIENCE, wait_until="domcontentloaded")
    await expect(other.get_by_text(ALL["outbox_help"])).to_be_visible(timeout=PATIENCE)
    assert await signals() == []

    await cut(window, portal, False)
    await all_arrive(home, (begun, pressed), (called, counted))

    async def is_empty() -> bool:
        return not await waiting(window)

    await eventually(is_empty)
    await expect(list_).to_be_hidden(timeout=PATIENCE)
    assert len(await signals()) == 1
    await other.close()


# What is asked never gives up by itself, however long a slow machine takes: the page alone decides how long it waits.
_NEVER_GIVES_UP = "AbortSignal.timeout = () => new AbortController().signal;"
_OPEN_ALARMS = "SELECT count(*) FROM eldercare_alarm WHERE state <> 'cancelled'"


async def test_a_server_that_hangs_is_no_reason_to_wait(open_windows: Windows, portal: Portal) -> None:
    home = await at_home()
    window = await open_windows.of(home.person)
    page = window.page
    await page.add_init_script(_NEVER_GIVES_UP)
    await page.clock.install()
    await open_kept(window)
    portal.network.hang()
    says, not_sent = page.locator("[data-sos-says]"), page.locator("[data-sos-alert] .not-sent")
    await window.press(EN["help"])
    await expect(says).to_contain_text(EN["help_sending"])
    await page.locator("[data-sos-cancel]").click()
    await expect(says).to_have_text(EN["help_taken_back"], timeout=PATIENCE)
    assert await waiting(window) == []

    await page.clock.pause_at(clock.now() + timedelta(minutes=1))
    await window.press(EN["help"])
    await page.clock.run_for(4_800)
    await expect(says).to_contain_text(EN["help_sending"])
    assert await not_sent.count() == 0
    await page.clock.run_for(500)
    assert await not_sent.count() == 1
    await says_not_sent(window)
    await page.clock.resume()
    portal.network.restore()
    await says_sent(window)
    assert len(await signals()) == 1
    assert await alarms.scalar(_OPEN_ALARMS) == 1
    # Who is called now stands above the button, where it would not be seen unless it was led to.
    await expect(window.page.locator(".standing:not(.counting)")).to_be_in_viewport(timeout=PATIENCE)


async def test_help_is_called_and_taken_back(open_windows: Windows, tmp_path: Path) -> None:
    home = await at_home()
    window = await open_windows.of(home.person)
    await open_kept(window)
    pressed = clock.now()
    await window.press(EN["help"])
    await expect(window.page.locator("#sos")).to_have_attribute("data-state", "sent", timeout=PATIENCE)
    # While it can be taken back nothing else is there to be pressed, and the time is that of the person's clock.
    await expect(window.page.get_by_role("button", name=EN["help"], exact=True)).to_be_hidden()
    hours = "|".join({f"{at.astimezone(ZoneInfo(home.person.time_zone)):%-I}" for at in (pressed, clock.now())})
    await expect(window.page.locator("[data-sos-says]")).to_contain_text(re.compile(rf"\b({hours}):\d\d"))
    await window.is_accessible()
    await window.picture(tmp_path / "countdown.png")
    await taken_back(window)
    assert await alarms.scalar(_OPEN_ALARMS) == 0

    # Whether it arrived or not is not known: it is taken back all the same.
    lost = await window.loses_the_answer_to("/me/help")
    await window.press(EN["help"])
    await until_lost(lost)
    await taken_back(window)
    assert len(await signals()) == 2
    assert await alarms.scalar(_OPEN_ALARMS) == 0


async def taken_back(window: Window) -> None:
    """Take a call for help back while it can be."""
    await window.page.locator("[data-sos-cancel]").click()
    await expect(window.page.locator("[data-sos-says]")).to_have_text(EN["help_taken_back"], timeout=PATIENCE)


async def until_lost(lost: list[int]) -> None:
    """Return once the server has done what was asked, and its answer is lost."""

    async def is_lost() -> bool:
        return bool(lost and lost[0])

    await eventually(is_lost)
    assert lost == [200]


async def test_what_was_done_though_the_answer_was_lost_is_not_done_again(open_windows: Windows) -> None:
    home = await at_home()
    window = await open_windows.of(home.person)
    await open_kept(window)
    lost = await window.loses_the_answer_to("/record")
    await window.page.get_by_role("button", name=EN["dose_take"]).first.click()
    await until_lost(lost)
    # Whoever is quicker, this page or the worker: what is done is not offered here any more.
    await expect(window.page.get_by_role("button", name=EN["dose_take"])).to_have_count(0, timeout=PATIENCE)
    await expect(window.page.locator("[data-outbox-list]")).to_be_hidden()
    assert await waiting(window) == []
    assert len(await home.doses()) == 1


async def test_the_pages_are_for_everybody(open_windows: Windows) -> None:
    home = await at_home(hostile.GERMAN)
    for size, language in (("phone", "en"), ("desk", "zh-CN")):
        window = await open_windows.of(home.person, size, language=language)  # type: ignore[arg-type]
        for path in ("/me", "/me/help", "/me/doses", "/me/appointments", "/me/offline"):
            await window.open(path)
            await window.is_fine(size)  # type: ignore[arg-type]


async def test_a_video_visit_is_joined_from_the_first_screen(
    open_windows: Windows, portal: Portal, browser: Browser
) -> None:
    scene = await telemedicine.scene()
    async with visit(browser, portal.url, scene) as held:
        await _booked(scene, held.id)
        clinician = await held.join(await held.link(held.clinician))
        window = await open_windows.of(scene.account)
        await window.context.grant_permissions(["camera", "microphone"])
        await window.open("/me")
        await window.press(EN["appointment_join"])
        await window.page.locator("#join").click(timeout=PATIENCE)
        await admit(clinician, "resident")
        for page in (clinician, window.page):
            await sees(page, 1)
        # The way in is good once, and of another device there is none on this one.
        await expect(window.page).not_to_have_url(re.compile("#"))


async def _booked(scene: telemedicine.Scene, consultation_id: uuid.UUID) -> None:
    """Insert the appointment that the video visit is of."""
    clinic = await clinics.clinic(scene.place, scene.clinic)
    seen_by = await clinics.practitioner(clinic, scene.clinician)
    kind = await clinics.visit_type(clinic, mode="video")
    begins = clock.now() + timedelta(minutes=5)
    await appointments.appointment(scene.resident, seen_by, kind, begins, consultation_id=consultation_id)


_IS_ON_TOP = """(button) => {
    const { left, right, top, bottom } = button.getBoundingClientRect();
    const spots = [[left + 20, top + 5], [(left + right) / 2, (top + bottom) / 2], [right - 20, bottom - 5]];
    return spots.every(([x, y]) => button.contains(document.elementFromPoint(x, y)));
}"""


async def test_help_is_called_from_the_first_screen_of_the_smallest_phone(open_windows: Windows) -> None:
    home = await at_home()
    await alarms.raised(home.resident, occurred_at=clock.now())  # what stands above it is at its longest
    for language in ("en", "zh-CN"):
        async with unit_of_work() as session:
            (await session.get_one(Account, home.person.id)).language = language
        window = await open_windows.of(home.person, language=language)
        await window.page.set_viewport_size({"width": 320, "height": 640})
        for path in ("/me", "/me/help"):
            await window.open(path)
            button = window.page.get_by_role("button", name=WORDS[language]["help"], exact=True)
            found, bar = await button.bounding_box(), await window.page.locator(".places").bounding_box()
            assert found
            assert bar
            assert await window.page.evaluate("scrollY") == 0
            assert found["y"] >= 0
            assert found["y"] + found["height"] <= bar["y"], (language, path)
            # Nothing else lies over it.
            assert await button.evaluate(_IS_ON_TOP)
        await window.fits()
