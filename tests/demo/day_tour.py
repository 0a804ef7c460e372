"""The day docs/tour.md tells, driven by a browser in several windows, step by step as it stands there.

`python -m tests.demo.day_tour [URL]` beside a demo that runs takes the document's pictures again.
"""

import asyncio
import re
import sys
from pathlib import Path
from typing import Final

from tests.demo.day_steps import STEPS
from tests.demo.tour_windows import touring

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = ROOT / "docs" / "tour.md"
PICTURES: Final = GUIDE.parent / "images" / "tour"
MOST_BYTES: Final = 1_500_000
_STEP: Final = re.compile(r"^## \d+\. (.+)$", re.MULTILINE)
_PICTURE: Final = re.compile(r"\]\(images/tour/([\w.-]+)\)")


def headings() -> list[str]:
    """Return the steps the document tells, in its order."""
    return _STEP.findall(GUIDE.read_text())


def pictures() -> list[str]:
    """Return the pictures the document shows, in its order."""
    return _PICTURE.findall(GUIDE.read_text())


async def walk(url: str, into: Path | None = None) -> None:
    """Go through the document at the demo at ``url``; pictures are taken where there is a folder for them."""
    assert headings() == list(STEPS), "a step is told and not driven, or driven and not told"
    async with touring(url, into) as tour:
        for heading, drive in STEPS.items():
            try:
                await drive(tour)
            except Exception as error:
                raise AssertionError(f"the tour ended at “{heading}”: {error}") from error
    assert not tour.complaints, tour.complaints
    assert tour.taken == pictures()


if __name__ == "__main__":
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    PICTURES.mkdir(parents=True, exist_ok=True)
    asyncio.run(walk(address, PICTURES))
