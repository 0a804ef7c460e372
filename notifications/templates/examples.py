"""What a notice looks like, told with made-up variables of the declared kinds: nobody's data."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from notifications.templates.notices import Notice
from notifications.templates.rendering import Reader, Text, render
from notifications.templates.variables import Kind, Value, encode

_INSTANT: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_IDS: Final[Mapping[Kind, uuid.UUID]] = {
    "resident": uuid.UUID(int=1),
    "account": uuid.UUID(int=2),
    "community": uuid.UUID(int=3),
    "announcement": uuid.UUID(int=4),
}
_VALUES: Final[Mapping[Kind, Value]] = {
    **_IDS,
    "instant": _INSTANT,
    "date": _INSTANT.date(),
    "integer": 2,
    "word": "example",
    "categories": "account=2",
    "text": "123456",
}
_ANNOUNCEMENTS: Final = {
    "en": {"title": "Lift out of order", "body": "The lift in building 3 is repaired on Monday."},
    "zh-CN": {"title": "电梯停运", "body": "3号楼电梯将于周一维修。"},
}
_NAMES: Final[Mapping[str, Mapping[Kind, str]]] = {
    "en": {"resident": "Grace Example", "account": "Ada Example", "community": "Lakeside"},
    "zh-CN": {"resident": "张示例", "account": "李示例", "community": "湖畔社区"},
}
_READERS: Final = {"en": "Sam Example", "zh-CN": "王示例"}


def rendered(notice: Notice, channel: str, language: str, time_zone: str = "UTC") -> Text:
    """Return a notice's text for a channel in one of our languages; raises ``CannotRender``."""
    stored = encode(notice.variables, {name: _VALUES[kind] for name, kind in notice.variables.items()})
    names = {_IDS[kind]: name for kind, name in _NAMES[language].items()}
    names[_IDS["announcement"]] = json.dumps(_ANNOUNCEMENTS)
    return render(notice, channel, Reader(_READERS[language], language, time_zone), stored, names)
