"""The page of the smart home names the topics that are heard and said, and means what the code does."""

import re
from pathlib import Path
from typing import Final

import pytest

from app.home_assistant.api import discovery_topic, panel
from community.home_inbox.rules import kind_of
from community.home_panels.rules import NAMES, pressed

DOCS: Final = Path(__file__).parents[3] / "docs"
PAGE: Final = (DOCS / "smart-home.md").read_text(encoding="utf-8")
PANEL: Final = "abcdefghij234567"
_HEARD: Final = re.findall(r"^\| `([^`]+)` \| (\w+):", PAGE, re.MULTILINE)


def _filled(topic: str) -> str:
    return topic.replace("<panel>", PANEL).replace("<component>", "sensor").replace("<", "").replace(">", "")


@pytest.mark.parametrize(("topic", "kind"), _HEARD)
def test_each_topic_is_heard_as_the_page_says(topic: str, kind: str) -> None:
    local = _filled(topic)
    assert kind_of(local, "homeassistant") == kind
    assert (discovery_topic(local) is not None) == (kind == "config")
    assert (pressed(local) is not None) == (kind == "press")


def test_the_page_names_each_kind_of_topic_and_what_is_named_elsewhere_is_a_state() -> None:
    assert {kind for _, kind in _HEARD} == {"config", "birth", "press"}
    assert {kind_of(topic, "homeassistant") for topic in ("zigbee2mqtt/lamp", "plug/status")} == {"state"}


def test_the_page_names_all_that_a_panel_says() -> None:
    ours = panel(PANEL, NAMES["en"], software="1", with_message=False)
    said = {ours.topic, ours.availability, *ours.states.values()}
    rows = re.findall(r"^\| `([^`]+)` \| [^|]+ \| yes \|", PAGE, re.MULTILINE)
    assert {_filled(topic) for topic in rows} == said
    assert {_filled(topic) for topic, kind in _HEARD if kind == "press"} == set(ours.presses)


def test_the_page_leads_to_all_the_others() -> None:
    wanted = {one.name for one in DOCS.glob("smart-home-*.md")} | {"home-states.md", "operations/broker.md"}
    assert wanted <= set(re.findall(r"\]\(([^)#]+)", PAGE))
