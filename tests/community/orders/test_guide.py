"""The picture of an order in the guide is the table of its states."""

import re
from pathlib import Path
from typing import Final

from community.orders.rules import OVER, WAYS

_GUIDE: Final = (Path(__file__).parents[3] / "docs/housekeeping.md").read_text()


def test_the_picture_of_an_order_is_the_table() -> None:
    picture = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", _GUIDE, re.DOTALL)
    assert picture
    drawn = re.findall(r"^ +(\S+) --> (\S+?)(?:: (\w+))?$", picture[1], re.MULTILINE)
    assert sorted(drawn) == sorted(
        [(source, way.target, name) for name, way in WAYS.items() for source in way.sources]
        + [("[*]", "held", "")]
        + [(state, "[*]", "") for state in OVER]
    )
