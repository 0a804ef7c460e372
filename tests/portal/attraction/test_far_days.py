"""A day no calendar of ours has, in an address: a page all the same, or that there is none."""

import pytest
from fastapi import FastAPI

from tests.portal.attraction.conftest import Scene
from tests.portal.ground import visitor


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
async def test_a_day_far_away_breaks_no_page(app: FastAPI, scene: Scene, day: str) -> None:
    async with visitor(app, scene.keeper) as browser:
        for page in (
            f"days/{day}",
            f"days/{day}/part",
            f"weeks/{day}",
            f"days?month={day[:7]}",
            f"days?day={day}&view=week",
            f"orders?day={day}",
            f"office?day={day}",
        ):
            answer = await browser.get(f"{scene.base}/{page}")
            assert answer.status_code < 500, page
