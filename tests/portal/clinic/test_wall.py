"""The screen on the wall hangs for days: over midnight, over a server that starts anew, over a secret that ends."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI

import app.portal.clinic
from app.core.clock import ManualClock
from app.core.database import Database
from app.portal.clinic.texts import WORDS
from tests import node
from tests.portal.clinic.test_pages import _removal
from tests.portal.clinic.world import number, ward
from tests.portal.elements import Elements
from tests.portal.ground import submit, visitor

EN: Final = WORDS["en"]
_ASKED: Final = Path(__file__).with_name("wall.mjs")
_SCRIPT: Final = Path(app.portal.clinic.__file__).with_name("assets") / "display.js"
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def hung(*steps: tuple[Any, ...], starts: str = "2026-03-02T10:00:00Z", kept: str | None = None) -> Any:
    """Return what a screen showed after each of ``steps``."""
    told = json.dumps({"starts": starts, "zone": "Asia/Shanghai", "steps": steps, "kept": kept})
    done = subprocess.run(
        [node.NODE, _ASKED, _SCRIPT], input=told, capture_output=True, text=True, check=False, cwd=_ASKED.parent
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def board(*numbers: str, version: str = "1") -> dict[str, Any]:
    """Return what the server answers."""
    return {"version": version, "numbers": numbers}


def test_without_a_line_it_says_so_and_the_numbers_go_and_come_back() -> None:
    told = hung((10, board("7")), (30, None), (9 * _MINUTE, None), (_MINUTE, None), (_MINUTE, board("8")))
    assert told["seen"] == [
        ["7", False, 0],
        ["7", True, 0],
        ["7", True, 0],
        ["", True, 0],
        ["8", False, 0],
    ]


def test_yesterdays_numbers_go_at_the_clinics_midnight_also_without_a_line() -> None:
    # In Shanghai the day ends at 16:00 UTC.
    told = hung((10, board("7")), (40, None), (20, None), (_MINUTE, board("1")), starts="2026-03-02T15:59:00Z")
    assert told["seen"] == [["7", False, 0], ["7", True, 0], ["", True, 0], ["1", False, 0]]
    assert told["time"] == "00:01"
    # Of a day that ends elsewhere nothing is taken away.
    assert hung((5, board("7")), (40, None), starts="2026-03-02T23:59:30Z")["seen"][-1][0] == "7"


def test_a_server_that_starts_anew_is_waited_for_and_a_new_version_loaded_once_its_page_is_there() -> None:
    told = hung(
        (_MINUTE, board("7")),
        (20, 502),
        (20, board("7", version="2"), 502),
        (4, board("8", version="2"), 200),
    )
    assert [loads for _, _, loads in told["seen"][:3]] == [0, 0, 0]
    assert told["seen"][2][0] == "7"
    assert told["seen"][3][0] == "8"
    assert told["seen"][3][2] > 0


def test_two_versions_that_answer_in_turn_do_not_load_it_again_and_again() -> None:
    assert hung((4, board("7", version="2")), (20, board("8", version="3")))["seen"][-1] == ["8", False, 0]


def test_after_a_day_it_loads_itself_anew_while_nobody_is_called_and_never_into_an_error() -> None:
    busy = hung((_DAY, board("7")))
    assert busy["seen"] == [["7", False, 0]]
    assert hung((_DAY, board(), 503))["seen"] == [["", False, 0]]
    assert hung((_DAY, board(), 200))["seen"][0][2] > 0


def test_a_secret_that_is_worth_nothing_any_more_leaves_no_number_behind() -> None:
    assert hung((10, board("7")), (11 * _MINUTE, 404))["seen"] == [["7", False, 0], ["", True, 0]]


@pytest.mark.parametrize(("kept", "sounds"), [("on", "true"), ("off", "false"), (None, "false")])
def test_a_screen_that_was_loaded_anew_sounds_as_it_did(kept: str | None, sounds: str) -> None:
    assert hung((10, board()), kept=kept)["sounds"] == sounds


async def _hung_up(desk: httpx.AsyncClient, screens: str) -> str:
    made = await submit(desk, screens, screens, name="Hall")
    (address,) = {
        str(found["href"])
        for tag, found in Elements(made.text).found
        if tag == "a" and "/display/" in str(found.get("href"))
    }
    return httpx.URL(address).path


async def test_the_board_begins_anew_with_the_clinics_day_and_with_a_new_secret(
    app: FastAPI, database: Database, clock: ManualClock
) -> None:
    here = await ward()
    await number(here, here.walks_in, number=47, state="called", called_at=clock.now(), room="3")
    screens = f"{here.address}/screens"
    async with visitor(app, here.desk) as desk:
        path = await _hung_up(desk, screens)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://wall") as wall:
            assert '<span class="number">47</span>' in (await wall.get(f"{path}/part")).text
            # The old screen is taken down for a new one: the one shows nothing, the other goes on.
            removed = await submit(desk, screens, _removal(await desk.get(screens)))
            assert removed.status_code == 303
            other = await _hung_up(desk, screens)
            assert (await wall.get(f"{path}/part")).status_code == 404
            assert '<span class="number">47</span>' in (await wall.get(f"{other}/part")).text
            there = here.clinic.time_zone
            assert there == "Asia/Shanghai"
            day = clock.now() + timedelta(hours=8)
            midnight = (
                clock.now() + timedelta(days=1) - timedelta(hours=day.hour, minutes=day.minute, seconds=day.second)
            )
            clock.set(midnight - timedelta(minutes=1))
            assert '<span class="number">47</span>' in (await wall.get(f"{other}/part")).text
            clock.set(midnight + timedelta(seconds=1))
            after = await wall.get(f"{other}/part")
            assert "47" not in after.text.partition('id="now"')[2].partition(">")[2]
            assert EN["wall_calm"] in after.text
