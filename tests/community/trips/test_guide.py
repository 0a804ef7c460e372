"""The table of states in the guide is the one there is."""

import re
from typing import Final

from community.trips.rules import WAYS
from tests.conftest import ROOT

_ROW: Final = re.compile(r"^\| `(\w+)` \| ([\w, ]+) \| (\w+) \| ([\w, ]+) \|$", re.MULTILINE)


def test_the_table_in_the_guide_is_the_table() -> None:
    told = {
        name: (set(sources.split(", ")), target, set(who.split(", ")))
        for name, sources, target, who in _ROW.findall((ROOT / "docs/trips.md").read_text())
    }
    assert told == {name: (set(way.sources), way.target, set(way.who)) for name, way in WAYS.items()}
