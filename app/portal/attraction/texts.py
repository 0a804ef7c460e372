"""The words of the pages of those who run attractions."""

from collections.abc import Mapping
from typing import Final

from app.portal.attraction import (
    texts_cancelling,
    texts_day,
    texts_editing,
    texts_gates,
    texts_limits,
    texts_office,
    texts_orders,
    texts_seasons,
    texts_selling,
)

_PARTS: Final = (
    texts_day,
    texts_cancelling,
    texts_office,
    texts_orders,
    texts_gates,
    texts_selling,
    texts_editing,
    texts_seasons,
    texts_limits,
)

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {key: text for part in _PARTS for key, text in part.ENGLISH.items()},
    "zh-CN": {key: text for part in _PARTS for key, text in part.CHINESE.items()},
}
