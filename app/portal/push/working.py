"""The script of a worker that shows notifications, for the pages under one address."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

Ways = Sequence[tuple[str, str]]

PORTAL: Final[Ways] = (
    ("alarm_id", "/portal/alarms/{alarm_id}"),
    ("swap_id", "/portal/rota"),
    ("circle_member_id", "/portal/circles"),
    ("message_id", "/portal/circles/{resident_id}/messages"),
    ("resident_id", "/portal/residents/{resident_id}"),
)
"""What a push is about, by the ids it carries, and the page that shows it; the first that fits decides."""


@cache
def _shared() -> str:
    return (Path(__file__).parent / "worker.js").read_text(encoding="utf-8")


def push_script(home: str, ways: Ways) -> str:
    """Return the script: ``home`` is opened where nothing of ``ways`` fits, and what is under it is ours."""
    facts = f"const HOME = {json.dumps(home)};\nconst PLACES = {json.dumps([list(way) for way in ways])};\n"
    return f"(() => {{\n{facts}{_shared()}}})();\n"
