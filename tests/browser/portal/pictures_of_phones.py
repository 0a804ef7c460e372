"""Pictures of what is held in a hand or hangs on a wall: `python -m tests.browser.portal.pictures_of_phones`."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.async_api import expect

from app.core import clock
from app.portal.resident_life.texts import WORDS as LIFE
from tests.browser.portal.at_home import EN, at_home, open_kept, says_not_sent
from tests.browser.portal.conftest import Portal
from tests.browser.portal.pictures import _FOLDER, _folder
from tests.browser.portal.test_journeys_clinic import _put_a_screen_up
from tests.browser.portal.test_journeys_life import lives
from tests.browser.portal.times import at_noon
from tests.browser.portal.windows import PATIENCE, Window, Windows
from tests.conftest import ROOT
from tests.portal.clinic.world import number, ward
from tests.portal.road.world import road

_SMALL: Final = {"width": 320, "height": 640}
_ALL: Final = "HEARTHLINE_PICTURES_ALL"


async def _looked_at(window: Window, called: str, *, whole: bool = False) -> None:
    """Take the picture for the documentation, and, where all are wanted, in the dark and at twice the size."""
    await window.page.evaluate("document.fonts.ready")
    await _taken(window, called, whole=whole)
    if not os.environ.get(_ALL):
        return
    was = window.page.viewport_size
    assert was is not None
    await window.page.emulate_media(color_scheme="dark")
    await _taken(window, f"all-{called}-dark", whole=whole)
    await window.page.emulate_media(color_scheme="light")
    await window.page.set_viewport_size(_SMALL)  # type: ignore[arg-type]
    await _taken(window, f"all-{called}-320", whole=whole)
    await window.page.set_viewport_size(was)


async def _taken(window: Window, called: str, *, whole: bool) -> None:
    picture = _folder() / f"{called}.png"
    await window.picture(picture, whole=whole)
    with Image.open(picture) as taken:
        few = taken.convert("RGB").quantize(64, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)


async def test_pictures_of_a_resident_are_taken(open_windows: Windows, portal: Portal) -> None:
    home = await at_home("Metformin")
    window = await open_windows.of(home.person)
    await open_kept(window)
    await _looked_at(window, "resident-home")
    portal.network.cut()
    await window.press(EN["help"])
    await says_not_sent(window)
    await expect(window.page.locator("[data-sos-counting]")).to_be_hidden(timeout=PATIENCE)
    await _looked_at(window, "resident-not-sent")
    portal.network.restore()


async def test_pictures_of_a_ticket_are_taken(open_windows: Windows) -> None:
    life = await lives()
    window = await open_windows.of(life.person)
    await window.open("/me/tickets")
    await window.press(LIFE["en"]["buy"])
    for step in (0, 0, 1):
        await window.page.locator('main .life a[href^="/me/tickets/buy/"]').nth(step).click(timeout=PATIENCE)
    await window.sees(LIFE["en"]["who_goes"])
    await window.page.locator("main select").first.select_option("1")
    await window.press(LIFE["en"]["go_on"])
    await window.press(LIFE["en"]["yes_buy"])
    await window.sees(LIFE["en"]["done_bought"])
    await window.page.locator("a[data-keep]").first.click(timeout=PATIENCE)
    await expect(window.page.locator("svg.code").or_(window.page.locator("main svg")).first).to_be_visible()
    await _looked_at(window, "all-ticket")


async def test_pictures_of_a_carer_on_the_road_are_taken(open_windows: Windows) -> None:
    scene = await road(time_zone=at_noon())
    window = await open_windows.of(scene.carer)
    await window.open("/portal/road")
    await _looked_at(window, "road-route-phone")
    await window.open(scene.page)
    await _looked_at(window, "all-road-visit", whole=True)


async def test_pictures_of_a_clinic_are_taken(open_windows: Windows) -> None:
    here = await ward(("Grace", "Walter", "Dr Lin"), time_zone=at_noon())
    desk = await open_windows.of(here.desk, "desk")
    address = await _put_a_screen_up(desk, here)
    called = {"state": "called", "room": "Room 3", "called_at": clock.now()}
    await number(here, here.walks_in, **called)
    await number(here, here.booked, number=2)
    wall = await open_windows.of(None, "desk")
    await wall.open(address)
    await expect(wall.page.locator(".called .number")).to_have_text("1", timeout=PATIENCE)
    await _looked_at(wall, "all-clinic-wall")


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs" / "images").resolve()
    os.environ[_FOLDER] = str(folder)
    taking = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__).resolve())]
    sys.exit(subprocess.run(taking, cwd=ROOT, check=False).returncode)
