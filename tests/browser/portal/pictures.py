"""Pictures of the portal for the documentation: `python -m tests.browser.portal.pictures [folder]`."""

import os
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

from PIL import Image

from app.core import clock
from app.core.database import unit_of_work
from app.demo.names import TONGUES, name
from app.identity.scopes import GRANTABLE
from community.orders.models import Order
from tests.browser.portal.company import Called, shop
from tests.browser.portal.times import in_a_while
from tests.browser.portal.windows import Window, Windows
from tests.browser.portal.world import Names, World, person_of, world
from tests.conftest import ROOT
from tests.factories import care_overview as overview
from tests.factories import community_orders as orders
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity

_FOLDER: Final = "HEARTHLINE_PICTURES"
_TONGUE: Final = TONGUES[0]


def _folder() -> Path:
    return Path(os.environ.get(_FOLDER, ROOT / "docs" / "images"))


def names() -> Names:
    """Return what people and places are called in pictures."""
    chance = random.Random(7)
    return Names(
        people=[name(chance, _TONGUE)[0] for _ in range(12)],
        organizations=("Lakeside", "Day Care", "Lake Clinic"),
        texts=(
            "She slept well and had porridge. The window in the kitchen sticks a little.",
            "I bring the shopping on the way home.",
            "Thank you! Then I come on Sunday, with the children.",
        ),
        notes=("The key hangs at the neighbour's, second floor. She hears badly on the left.",),
        relationships=("daughter", "neighbour", "brother"),
        address="12 Lake Road",
        building="Block C, second floor",
        rooms=("Bedroom", "Bathroom", "Kitchen", "Living room"),
        drugs=("Metformin", "Amlodipine", "Atorvastatin"),
        visit="Help in the morning",
    )


async def _taken(window: Window, path: str, called: str, *, whole: bool = False) -> None:
    await window.open(path)
    await window.page.evaluate("document.fonts.ready")
    picture = _folder() / f"portal-{called}.png"
    await window.picture(picture, whole=whole)
    # The pages have few colours: with a palette a picture is a third as large, and looks the same.
    with Image.open(picture) as taken:
        few = taken.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)


async def test_pictures_are_taken(open_windows: Windows) -> None:
    scene = await world(names())
    await _others(scene)
    phone = await open_windows.of(scene.relative)
    about = f"/portal/residents/{scene.first.id}"
    await _taken(phone, "/portal/today", "today-phone")
    await _taken(phone, f"/portal/alarms/{scene.alarm.id}", "alarm-phone")
    await _taken(phone, f"/portal/circles/{scene.first.id}/messages", "messages-phone")
    await _taken(phone, f"{about}/vitals", "vitals-phone")
    dark = await open_windows.of(scene.relative, look="dark")
    await _taken(dark, f"/portal/alarms/{scene.alarm.id}", "alarm-phone-dark")
    wide = await open_windows.of(scene.relative, "desk")
    await _taken(wide, "/portal/today", "today-desk")
    await _taken(wide, f"{about}/vitals", "vitals-desk")
    desk = await open_windows.of(scene.desk, "desk")
    await _taken(desk, "/portal/desk", "desk")
    await _taken(desk, f"/portal/desk/alarms/{scene.alarm.id}", "desk-alarm")
    boss = await open_windows.of(scene.boss, "desk", second_factor=True)
    await _taken(boss, "/portal/operator/plans", "plans")
    nobody = await open_windows.of(None)
    await _taken(nobody, "/portal/sign-in", "sign-in")
    if os.environ.get("HEARTHLINE_PICTURES_ALL"):
        await everything(open_windows, scene)


async def test_pictures_of_the_provider_are_taken(open_windows: Windows) -> None:
    chance = random.Random(13)
    called = Called(
        company="Mill Path Services",
        workers=("Nadia R.", "Tomas B."),
        residents=tuple(name(chance, _TONGUE)[0] for _ in range(5)),
        street="12 Lake Road",
        note="Please ring twice: she hears badly.",
    )
    of = await shop(called)
    times = [in_a_while(minutes) for minutes in (-100, 30, 130, 60, 200)]
    rows = [await of.ordered(number, at) for number, at in enumerate(times)]
    for number, to in ((1, 0), (2, 0), (4, 1)):
        await orders.on_the_way(rows[number], of.rows[to])
    async with unit_of_work() as session:
        for number in (1, 2, 4):
            (await session.get_one(Order, rows[number].id)).state = "assigned"
    desk = await open_windows.of(of.boss, "desk")
    await _taken(desk, f"{of.root}/plan", "provider-plan", whole=True)
    await _taken(desk, of.root, "provider-orders")
    await _taken(desk, f"{of.root}/orders/{rows[3].id}", "provider-order", whole=True)
    await _taken(desk, f"{of.root}/people", "provider-people")
    await _taken(desk, f"{of.root}/people/{of.rows[0].id}", "provider-person", whole=True)
    await _taken(desk, f"{of.root}/statements", "provider-statements", whole=True)
    phone = await open_windows.of(of.people[0])
    await _taken(phone, f"/portal/provider/mine/orders/{rows[1].id}", "provider-task-phone", whole=True)
    await _taken(phone, "/portal/provider/mine", "provider-work-phone", whole=True)
    small = await open_windows.of(of.boss)
    await _taken(small, of.root, "provider-orders-phone", whole=True)
    await _taken(small, f"{of.root}/plan", "provider-plan-phone", whole=True)


async def _others(scene: World) -> None:
    """Let the relative care for two more, who are well, and let another alarm wait at the desk."""
    chance, now = random.Random(11), clock.now()
    home = await identity.household(scene.community, address="14 Lake Road", building="Block A")
    for said in range(2):
        resident = await identity.resident(scene.community, name=name(chance, _TONGUE)[0], home=home)
        await identity.grant(resident, scene.relative, GRANTABLE)
        await overview.answered(resident, now - timedelta(minutes=35 + 50 * said))
    alone = await identity.resident(scene.community, name=name(chance, _TONGUE)[0], home=home)
    await alarms.raised(alone, kind="check_in_missed")


async def everything(open_windows: Windows, scene: World) -> None:
    """Take a picture of what is not for the documentation, to look at."""
    about = f"/portal/residents/{scene.first.id}"
    for size in ("phone", "desk"):
        relative = await open_windows.of(scene.relative, size)
        for path in (
            "/portal/today",
            about,
            *(f"{about}/{tab}" for tab in ("timeline", "vitals", "doses", "visits", "home", "appointments", "circle")),
            f"{about}/visits/{scene.visit_id}",
            "/portal/alarms",
            f"/portal/alarms/{scene.alarm.id}",
            f"/portal/alarms/{scene.alarm.id}/resolution",
            "/portal/circles",
            f"/portal/circles/{scene.first.id}/messages",
            "/portal/rota",
            "/portal/me",
            "/portal/me/preferences",
            "/portal/me/devices",
            "/portal/nothing",
            "/portal/today/people?name=zz",
        ):
            called = path.replace(str(scene.first.id), "r").replace(str(scene.alarm.id), "a").replace("/", "-")
            await _free(relative, path, f"all-{size}{called[:60]}")
        boss = await open_windows.of(scene.boss, size, second_factor=True)
        for page in (
            "",
            "/residents",
            f"/residents/{scene.first.id}",
            "/imports",
            f"/organizations/{scene.operator.id}",
            "/plans",
            "/plans/new",
            "/broadcasts/new",
            "/parked",
            "/deliveries",
            "/audit",
            "/settings",
            f"/view-as?resident={scene.first.id}",
        ):
            await _free(boss, f"/portal/operator{page}", f"all-{size}-operator{page.replace('/', '-')[:20]}")
        desk = await open_windows.of(scene.desk, size)
        await _free(desk, "/portal/desk", f"all-{size}-desk")
        await _free(desk, f"/portal/desk/alarms/{scene.alarm.id}", f"all-{size}-desk-alarm")
        await _free(desk, "/portal/desk/response-times", f"all-{size}-desk-times")
        resident = await open_windows.of(await person_of(scene.first), size)
        await _free(resident, f"{about}", f"all-{size}-own")
        await _free(resident, f"{about}/consent", f"all-{size}-own-consent")
        carer = await open_windows.of(scene.carer, size)
        await _free(carer, "/portal/today", f"all-{size}-carer-today")


async def _free(window: Window, path: str, called: str) -> None:
    await window.page.goto(f"{window.url}{path}")
    await window.picture(_folder() / f"{called}.png", whole=True)


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs" / "images").resolve()
    os.environ[_FOLDER] = str(folder)
    taking = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__).resolve())]
    sys.exit(subprocess.run(taking, cwd=ROOT, check=False).returncode)
