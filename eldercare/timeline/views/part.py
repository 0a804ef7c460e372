"""What eldercare has in a timeline: its kinds, where their items are, and what is told of them."""

from collections.abc import Mapping
from typing import Any, Final

from app.core.timelines import Part
from eldercare.timeline.rules.kinds import SCOPE_OF
from eldercare.timeline.rules.sentences import tell
from eldercare.timeline.views.branches import BRANCHES
from eldercare.timeline.views.readings import READINGS_PAGE, READINGS_WRITTEN
from eldercare.vitals.rules.codes import SIGNS, shown


def _shown(kind: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    if kind != "reading":
        return dict(stored)
    sign = SIGNS[stored["code"]]
    value = shown(stored["code"], stored["value"])
    return {"code": sign.code, "name": sign.name, "value": value, "unit": sign.unit, "side": stored["side"]}


PART: Final = Part(
    scope_of=SCOPE_OF,
    pages=(*(branch.page() for branch in BRANCHES), READINGS_PAGE),
    written=(*(branch.written() for branch in BRANCHES), READINGS_WRITTEN),
    shown=_shown,
    tell=tell,
)
