"""The scripts themselves, run in Node: what becomes of what waits, and who a shared browser stays reachable for."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from app.portal import ground, offline, push
from app.portal.offline.working import offline_script
from tests import node

_OFFLINE: Final = Path(offline.__file__).parent / "assets"
_GROUND: Final = Path(ground.__file__).parent / "assets"
_PUSH: Final = Path(push.__file__).parent / "assets"
_ASKED: Final = Path(__file__).with_name("asked.mjs")
_ITEM: Final = {
    "id": 1,
    "who": "a",
    "action": "/me/fine",
    "key": "k",
    "fields": [],
    "given": 0,
    "state": "waiting",
}
# What is kept is kept in an array: Node has no IndexedDB.
_STORE: Final = """let kept = [];
export const put = (item) => kept.push(item);
export const items = () => kept;
export const itemsOf = async (who) => kept.filter((one) => one.who === who);
export const callsForHelp = async () => kept.filter((one) => one.kind === "sos" && one.state === "waiting");
export const sweep = async () => {};
export const dropItem = async (id) => { kept = kept.filter((one) => one.id !== id); };
export async function changeItem(id, values) {
  kept = kept.map((one) => (one.id === id ? { ...one, ...values } : one));
  return kept.find((one) => one.id === id);
}
"""


def answers(directory: Path, kind: str, worker: str = "", **question: Any) -> Any:
    """Return what the scripts answer to a question of this kind."""
    scripts = directory / "scripts"
    scripts.mkdir()
    (scripts / "package.json").write_text('{"type": "module"}')
    for script in (
        *(_OFFLINE / name for name in ("sending.js", "unsent.js")),
        *(_GROUND / name for name in ("live.js", "steady.js")),
        _PUSH / "subscribing.js",
    ):
        shutil.copy(script, scripts)
    (scripts / "store.js").write_text(_STORE)
    (scripts / "worker.js").write_text(worker)
    asked = directory / "question.json"
    asked.write_text(json.dumps({"scripts": scripts.as_uri(), **question}))
    return json.loads(node.run(node.NODE, _ASKED, kind, asked, cwd=directory))


@pytest.mark.parametrize("code", ["not_our_form", "viewing_is_read_only"])
def test_what_waits_goes_on_waiting_while_somebody_else_may_sit_there(tmp_path: Path, code: str) -> None:
    refused = {"status": 403, "body": {"status": 403, "code": code, "said": "No"}}
    told = answers(tmp_path, "sending", item=_ITEM, answered=refused)
    assert told["how"] == "again"
    assert [one["state"] for one in told["items"]] == ["waiting"]


def test_a_call_for_help_that_any_page_sent_counts_as_sent_on_the_page_it_was_pressed_on(tmp_path: Path) -> None:
    told = answers(tmp_path, "unsent", item=_ITEM | {"kind": "sos", "urgent": True, "action": "/me/help"})
    assert told == {"heard": {"what": "sent", "kind": "sos", "key": "k"}, "left": 0}


def test_whom_to_phone_is_what_was_said_last(tmp_path: Path) -> None:
    """An earlier version's numbers stay until it is dropped; nobody's numbers take the place of somebody's."""
    path = "/me/offline"
    worker = offline_script("/me", features=(), pages=(), without=(path, path))
    said = [{"text": "new", "isLocal": True}, {"text": "nobody's", "isLocal": False}]
    told = answers(tmp_path, "standing", worker, path=path, before={"text": "old", "isLocal": True}, now=said)
    assert told == ["new", "new"]


def test_a_server_that_is_down_is_asked_less_and_less_whether_a_page_may_still_be_shown(tmp_path: Path) -> None:
    told = answers(tmp_path, "looking", minutes=10)
    assert 5 < told["asked"] < 60, told
    assert told["last"] >= 15_000
    assert told["wait"] <= 9_000, "once the line is back it is asked soon"


def test_what_is_refused_is_left_to_the_person(tmp_path: Path) -> None:
    refused = {"status": 409, "body": {"status": 409, "code": "not_taken", "said": "Too late"}}
    told = answers(tmp_path, "sending", item=_ITEM, answered=refused)
    assert [(one["state"], one["said"]) for one in told["items"]] == [("refused", "Too late")]


def test_a_browser_notifies_nobody_who_does_not_sit_at_it_any_more(tmp_path: Path) -> None:
    told = answers(tmp_path, "pushing", who="a", opens="b")
    assert told["ended"] == told["closed"] == ["/portal/", "/me"]
    assert told["who"] == "a"  # who comes back has it on as before


def test_a_browser_goes_on_notifying_who_opens_a_page(tmp_path: Path) -> None:
    told = answers(tmp_path, "pushing", who="b", opens="b")
    assert told["ended"] == told["closed"] == []
