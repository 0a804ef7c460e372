"""What the page of a note does with what was typed: its own script is asked."""

import json
from pathlib import Path
from typing import Final

import pytest

import app.portal.clinic
from tests import node

_ASKED: Final = Path(__file__).with_name("note.mjs")
_SCRIPT: Final = Path(app.portal.clinic.__file__).with_name("assets") / "clinic.js"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, {"isAsked": False, "tries": 1, "said": "kept"}),
        (409, {"isAsked": True, "tries": 1, "said": "changed"}),
        (412, {"isAsked": True, "tries": 1, "said": "changed"}),
    ],
)
def test_nobody_leaves_words_behind_that_are_kept_nowhere(status: int, expected: dict[str, object]) -> None:
    assert json.loads(node.run(node.NODE, _ASKED, _SCRIPT, str(status), cwd=_ASKED.parent)) == expected


def test_what_was_not_answered_is_sent_again_unchanged_before_what_was_typed_since() -> None:
    found = json.loads(node.run(node.NODE, _ASKED, _SCRIPT, "lost", cwd=_ASKED.parent))
    first, again, newer = found.pop("sent")
    assert (first, again, newer) == ("version=1&plan=words", first, "version=2&plan=more+words")
    assert found == {"isAsked": False, "tries": 3, "said": "kept"}
