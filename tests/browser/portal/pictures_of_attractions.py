"""Pictures of an attraction's screens: `python -m tests.browser.portal.pictures_of_attractions [folder]`."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx

from app.core import clock
from app.core.database import unit_of_work
from app.identity.models import Organization
from app.portal.attraction.texts import WORDS
from tests.browser.portal.pictures import _FOLDER, _folder, _free, _taken
from tests.browser.portal.test_journeys_attraction import Museum, museum
from tests.browser.portal.windows import Windows
from tests.conftest import ROOT
from tests.factories import community_gates as gates
from tests.factories import community_ticket_office as office
from tests.factories.sign_in import sign_in

EN = WORDS["en"]


async def _came(scene: Museum, url: str) -> None:
    """Let visitors come and go since two hours ago."""
    now = clock.now()
    headers = await sign_in(scene.worker)
    came = await gates.tickets(scene.place, 14, begins=now - timedelta(hours=3))
    scans = []
    for number, text in enumerate(await gates.texts(came)):
        at = now - timedelta(minutes=118 - 8 * number)
        scans.append({"text": text, "direction": "entry", "scanned_at": at.isoformat(), "decision": "admitted"})
        if number % 3 == 0:
            left = min(at + timedelta(minutes=40), now)
            scans.append({"text": text, "direction": "exit", "scanned_at": left.isoformat(), "decision": "admitted"})
    for one in scans:
        one["nonce"] = str(gates.nonce())
    refused = {"nonce": str(gates.nonce()), "text": "HL1:NO", "direction": "entry", "scanned_at": now.isoformat()}
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        body = {"scans": [*scans, refused], "sent_at": clock.now().isoformat()}
        answer = await client.post(f"/v1/gates/{scene.gate.id}/scans", json=body, headers=headers)
        assert answer.status_code == 200, answer.text


async def test_pictures_are_taken(open_windows: Windows) -> None:
    scene = await museum(capacity=16, keeper="Nora")
    desk = await open_windows.of(scene.keeper, "desk", second_factor=True)
    phone = await open_windows.of(scene.keeper, "phone", second_factor=True)
    await _came(scene, desk.url)
    await desk.page.set_viewport_size({"width": 1_280, "height": 1_250})
    await _taken(desk, scene.base, "attraction-desk")
    slots = "&".join(f"slot={one.id}" for one in scene.slots[1:])
    await phone.open(f"{scene.base}/cancellations/new?{slots}")
    await phone.page.locator("#f-reason").select_option("technical")
    await phone.page.locator("#f-message_en").fill("A pipe burst in the main hall. We are sorry.")
    await phone.page.locator("#f-message_zh").fill("主厅水管爆裂，非常抱歉。")
    await phone.press(EN["go_on"])
    await phone.sees(EN["cancel_now"])
    await phone.page.set_viewport_size({"width": 360, "height": 1_200})
    await phone.picture(_folder() / "portal-attraction-cancel-phone.png")
    if os.environ.get("HEARTHLINE_PICTURES_ALL"):
        await _everything(open_windows, scene)


async def _everything(open_windows: Windows, scene: Museum) -> None:
    """Take a picture of what is not for the documentation, to look at."""
    await gates.conflict(scene.gate)
    till = await office.shift(scene.worker, await _house(scene))
    sold = await office.sale(scene.worker, till, scene.slots[0], scene.adult, 2)
    for size in ("phone", "desk"):
        keeper = await open_windows.of(scene.keeper, size, second_factor=True)
        worker = await open_windows.of(scene.worker, size)
        for page in (
            "",
            "/days",
            f"/days/{scene.today}",
            f"/slots/{scene.slots[1].id}",
            f"/cancellations/new?slot={scene.slots[1].id}",
            "/gates",
            f"/gates/{scene.gate.id}",
            "/products",
            f"/products/{scene.adult.id}",
            "/sales",
            "/edit",
            "/hours",
        ):
            called = page.replace(str(scene.slots[1].id), "s")[:26].replace("/", "-").replace("?", "-")
            await _free(keeper, scene.base + page, f"all-{size}-attraction{called}")
        await _free(worker, f"{scene.base}/office", f"all-{size}-attraction-office")
        await _free(worker, f"{scene.base}/orders/{sold.cart.orders[0].id}", f"all-{size}-attraction-order")


async def _house(scene: Museum) -> Organization:
    async with unit_of_work() as session:
        return await session.get_one(Organization, scene.place.organization_id)


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs" / "images").resolve()
    os.environ[_FOLDER] = str(folder)
    taking = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__).resolve())]
    sys.exit(subprocess.run(taking, cwd=ROOT, check=False).returncode)
