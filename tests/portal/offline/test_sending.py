"""What is sent of what a device keeps, in which order, and what an answer means: the page's own script is asked."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

import app.portal.offline
from app.core.idempotency import KEPT_FOR
from app.portal.offline.giving import OLDEST
from tests import node

_ASKED: Final = Path(__file__).with_name("sending.mjs")
_SCRIPT: Final = Path(app.portal.offline.__file__).with_name("assets") / "sending.js"
_NOW: Final = 4_102_444_800_000  # not long ago for any clock
_VISIT: Final = "/portal/road/visits/0190a8b4-0000-7000-8000-00000000000{}/{}"


def item(key: str, action: str, **more: Any) -> dict[str, Any]:
    """Return something that is kept."""
    return {"key": key, "action": action, **more}


def sent(items: list[dict[str, Any]], answers: dict[str, Any], *, urgent: bool = False) -> dict[str, Any]:
    """Return what one round of sending does where the server answers so (200 where nothing is said)."""
    asked = json.dumps({"items": [{"urgent": urgent, **one} for one in items], "answers": answers, "urgent": urgent})
    found: dict[str, Any] = json.loads(node.run(node.NODE, _ASKED, _SCRIPT, asked, cwd=_ASKED.parent))
    return found


def test_what_the_server_cannot_take_holds_up_only_what_is_about_the_same() -> None:
    waiting = [
        item("message", "/me/messages"),
        item("arrival", _VISIT.format(1, "arrival")),
        item("departure", _VISIT.format(1, "departure")),
        item("other", _VISIT.format(2, "arrival")),
        item("fine", "/me/fine"),
    ]
    said = sent(waiting, {"message": 500, "arrival": 503})
    assert said["posted"] == ["message", "arrival", "other", "fine"]
    assert said["ended"] == "again"
    assert [key for key, _ in said["kept"]] == ["message", "arrival", "departure"]


def test_a_picture_that_does_not_arrive_holds_up_nothing() -> None:
    waiting = [item("photo", _VISIT.format(1, "photos"), file=True), item("departure", _VISIT.format(1, "departure"))]
    assert sent(waiting, {"photo": "none"})["posted"] == ["photo", "departure"]


def test_a_picture_waits_for_what_has_to_be_done_before_it() -> None:
    waiting = [item("arrival", _VISIT.format(1, "arrival")), item("photo", _VISIT.format(1, "photos"), file=True)]
    assert sent(waiting, {"arrival": 503})["posted"] == ["arrival"]
    assert sent(waiting, {})["posted"] == ["arrival", "photo"]


def test_where_there_is_no_line_nothing_more_is_tried() -> None:
    waiting = [item("message", "/me/messages"), item("fine", "/me/fine")]
    for answer in ("none", 429):
        assert sent(waiting, {"message": answer}) == {
            "ended": "again",
            "posted": ["message"],
            "told": [],
            "kept": [["message", "waiting"], ["fine", "waiting"]],
            "unsure": [],
        }


def test_a_call_for_help_waits_for_no_other() -> None:
    waiting = [item("before", "/me/help"), item("now", "/me/help")]
    for answer in (500, "none", "html", 429):
        said = sent(waiting, {"before": answer}, urgent=True)
        assert said["told"] == [["sent", "now"]], answer
        assert (said["ended"], said["kept"]) == ("again", [["before", "waiting"]])


@pytest.mark.parametrize("answer", ["html", 500, 502, 408, 425, 429])
def test_only_the_servers_own_word_counts_as_sent(answer: Any) -> None:
    said = sent([item("fine", "/me/fine")], {"fine": answer})
    assert (said["ended"], said["told"], said["kept"]) == ("again", [], [["fine", "waiting"]])


def test_what_is_refused_is_kept_and_the_next_goes_on() -> None:
    said = sent([item("dose", "/me/doses"), item("fine", "/me/fine")], {"dose": 409})
    assert said["told"] == [["refused", "dose"], ["sent", "fine"]]
    assert (said["ended"], said["kept"]) == ("done", [["dose", "refused"]])


def test_what_may_have_arrived_long_ago_is_not_done_again_by_itself() -> None:
    waiting = [item("note", "/me/messages", posted=1), item("old", "/me/fine", posted=True), item("new", "/me/doses")]
    said = sent(waiting, {})
    assert said["posted"] == ["new"]
    assert said["kept"] == [["note", "refused"], ["old", "refused"]]
    # A call for help is the same one however late it comes.
    assert sent([item("help", "/me/help", posted=1)], {}, urgent=True)["posted"] == ["help"]


def test_what_is_refused_for_its_age_may_have_arrived_when_it_was_tried_before() -> None:
    too_old = {"status": 422, "code": "given_too_long_ago"}
    waiting = [
        item("tried", "/portal/road/visits/1", posted=True, given=_NOW),
        item("never", "/portal/road/visits/2", given=_NOW),
    ]
    said = sent(waiting, {"tried": too_old, "never": too_old})
    assert said["kept"] == [["tried", "refused"], ["never", "refused"]]
    assert said["unsure"] == ["tried"]


def test_an_answer_is_known_for_longer_than_anything_is_tried() -> None:
    days = re.search(r"TRIED_FOR = (\d+) \* 24 \* 3_600_000;", _SCRIPT.read_text())
    assert days
    assert timedelta(days=int(days[1])) == OLDEST
    assert timedelta(days=1) <= KEPT_FOR - OLDEST
