"""The example in the guide is an automation, and what the guide names is there."""

import re
from typing import Final

from community.home_automations.rules.definitions import Definition
from community.home_automations.rules.limits import LATEST, MOST_DEPTH, MOST_RUNS
from community.home_automations.rules.templates import TEMPLATES
from tests.conftest import ROOT

_GUIDE: Final = ROOT / "docs/smart-home-automations.md"


def test_the_example_in_the_guide_is_an_automation() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", _GUIDE.read_text(), re.DOTALL)
    definition = Definition.model_validate_json(example)
    assert [one.kind for one in definition.actions] == ["command", "delay", "command"]


def test_the_guide_says_how_much_is_allowed_and_names_every_template() -> None:
    text = _GUIDE.read_text()
    assert f"more than {MOST_DEPTH} times" in text
    assert f"more than {MOST_RUNS} times in an hour" in text
    assert f"more than {LATEST.seconds // 60} minutes late" in text
    assert all(f"`{key}`" in text for key in TEMPLATES)
