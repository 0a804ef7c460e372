"""The desk is heard: its sound says whether it is on, comes on by one press, and on every page of the desk."""

import re

from playwright.async_api import expect

from tests.browser.portal.windows import PATIENCE, Windows
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_desk as desks
from tests.factories import identity

# The page's own context, so that a device can take the sound away.
_HELD = "window.AudioContext = class extends AudioContext { constructor() { super(); window.held = this; } };"


async def test_the_sound_comes_on_by_one_press_and_says_when_it_cannot_be_heard(open_windows: Windows) -> None:
    scene = await alarms.scene(circle=0)
    await desks.shift(scene.desk)
    alarm = await alarms.raised(scene.resident)
    await alarms.raised(await identity.resident(scene.community))
    await alarms.climb()
    window = await open_windows.of(scene.desk, "desk")
    await window.page.add_init_script(_HELD)
    html, button = window.page.locator("html"), window.page.locator("#sound")
    await window.open("/portal/desk?show=mine")
    await window.sees("2 alarms wait")
    await expect(button).to_have_attribute("aria-pressed", "false", timeout=PATIENCE)
    await expect(html).to_have_attribute("data-line", "up", timeout=PATIENCE)  # its script is there by then
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)
    await expect(html).to_have_attribute("data-sounded", re.compile(r"\d"), timeout=PATIENCE)

    await window.open(f"/portal/desk/alarms/{alarm.id}")
    await window.sees("2 alarms wait")
    await expect(window.page).to_have_title(re.compile(r"^\(2\) "))
    await expect(button).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)
    # Whatever changes on the page in the meantime does not put off the next sound.
    await window.page.evaluate(
        "setInterval(() => document.getElementById('waiting').append(document.createElement('i')), 1000)"
    )
    await expect(html).to_have_attribute("data-sounded", re.compile(r"[2-9]"), timeout=PATIENCE)

    await window.page.evaluate("held.suspend()")
    await expect(button).to_have_attribute("aria-pressed", "false", timeout=PATIENCE)
    await expect(button).to_have_class(re.compile("needs"))
    await window.is_accessible()
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)
