"""What pages of the portal weigh for a browser that was never there, and when their largest piece is seen."""

import tempfile
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.report import out
from tests.browser.portal.weights import taken

MOST_KB = 100


def run(_server: Any) -> None:
    """Print a row for each page; its target is the weight, without photos."""
    with tempfile.TemporaryDirectory() as folder:
        weights = taken(Path(folder))
    title = f"Pages of the portal in Chromium, on loopback (at most {MOST_KB} kB without photos)"
    table = Table("page", "on", "all", "page alone", "requests", "largest seen", "the next time", "", title=title)
    for one in weights:
        table.add_row(
            one.page,
            one.size,
            f"{one.bytes / 1000:.1f} kB",
            f"{one.page_bytes / 1000:.1f} kB",
            str(one.requests),
            f"{one.largest_ms:.0f} ms",
            f"{one.again_ms:.0f} ms",
            "met" if one.bytes <= MOST_KB * 1000 else "missed",
        )
    out.print(table)
