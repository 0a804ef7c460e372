"""The words of a resident's own pages: plain, short, and none that one would have to look up."""

from collections.abc import Mapping
from typing import Final

from app.portal.resident_life import (
    texts_home,
    texts_paying,
    texts_recurring,
    texts_services,
    texts_talking,
    texts_tickets,
)

_PARTS: Final = (
    texts_services.WORDS,
    texts_paying.WORDS,
    texts_recurring.WORDS,
    texts_tickets.WORDS,
    texts_home.WORDS,
    texts_talking.WORDS,
)

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: {key: text for part in _PARTS for key, text in part[language].items()} for language in ("en", "zh-CN")
}
