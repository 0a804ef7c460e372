"""What a page weighs and when its largest piece is seen, in a real browser: what `make bench` prints of the portal.

`taken()` runs this file's one test in a process of its own, on a database and an API of their own.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tests.browser.portal.pictures import names
from tests.browser.portal.windows import Size, Window, Windows
from tests.browser.portal.world import person_of, world
from tests.conftest import ROOT

_FILE: Final = "HEARTHLINE_WEIGHTS"
# What came over the line, headers included, as a browser counts it; zero is what it had already.
_SEEN: Final = """async () => {
    const largest = await new Promise((done) => {
        new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
            .observe({ type: "largest-contentful-paint", buffered: true });
        setTimeout(() => done(-1), 10000);
    });
    const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return {
        bytes: all.reduce((sum, one) => sum + one.transferSize, 0),
        page: performance.getEntriesByType("navigation")[0].encodedBodySize,
        requests: all.length,
        largest,
    };
}"""


@dataclass(frozen=True, slots=True)
class Weight:
    """One page: bytes of all that a browser fetches that was never here, of the page alone, and milliseconds."""

    page: str
    size: str
    bytes: int
    page_bytes: int
    requests: int
    largest_ms: float
    again_ms: float


async def test_what_pages_weigh(open_windows: Windows) -> None:
    scene = await world(names())
    about = f"/portal/residents/{scene.first.id}"
    people = {
        "relative": (scene.relative, False),
        "desk": (scene.desk, False),
        "operator": (scene.boss, True),
        "resident": (await person_of(scene.first), False),
        "carer": (scene.carer, False),
    }
    pages = {
        "Today": ("relative", "/portal/today"),
        "an alarm": ("relative", f"/portal/alarms/{scene.alarm.id}"),
        "a resident": ("relative", about),
        "measurements": ("relative", f"{about}/vitals"),
        "messages": ("relative", f"/portal/circles/{scene.first.id}/messages"),
        "rota": ("relative", "/portal/rota"),
        "the desk": ("desk", "/portal/desk"),
        "an alarm at the desk": ("desk", f"/portal/desk/alarms/{scene.alarm.id}"),
        "response times": ("desk", "/portal/desk/response-times"),
        "the operator": ("operator", "/portal/operator"),
        "residents": ("operator", "/portal/operator/residents"),
        "plans": ("operator", "/portal/operator/plans"),
        "a resident's own": ("resident", "/me"),
        "their medicine": ("resident", "/me/doses"),
        "help at home": ("resident", "/me/services"),
        "their tickets": ("resident", "/me/tickets"),
        "who looked": ("resident", "/me/looked-at"),
        "a carer's route": ("carer", "/portal/road"),
        "a visit on the road": ("carer", f"/portal/road/visits/{scene.visit_id}"),
    }
    found = []
    for called, (who, path) in pages.items():
        account, second_factor = people[who]
        size: Size = "desk" if who in ("desk", "operator") else "phone"
        window = await open_windows.of(account, size, second_factor=second_factor)
        await window.open(path)
        first = await _seen(window)
        await window.open(path)  # as from the second time on: looks and scripts are there
        again = await _seen(window)
        weighed = (int(first["bytes"]), int(first["page"]), int(first["requests"]))
        found.append(Weight(called, size, *weighed, first["largest"], again["largest"]))
        await window.context.close()
    _keep(found)


def _keep(found: list[Weight]) -> None:
    Path(os.environ[_FILE]).write_text(json.dumps([asdict(one) for one in found]), encoding="utf-8")


async def _seen(window: Window) -> dict[str, float]:
    await window.page.wait_for_load_state("load")
    seen: dict[str, float] = await window.page.evaluate(_SEEN)
    return seen


def taken(folder: Path) -> list[Weight]:
    """Return what the pages weigh now."""
    file = folder / "weights.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__))]
    subprocess.run(command, cwd=ROOT, env={**os.environ, _FILE: str(file)}, check=True)
    return [Weight(**one) for one in json.loads(file.read_text(encoding="utf-8"))]
