"""The words of the operator's pages."""

from collections.abc import Mapping
from typing import Final

from app.portal.operator import texts_asking, texts_people, texts_reaching, texts_running

_PARTS: Final = (texts_asking.WORDS, texts_people.WORDS, texts_reaching.WORDS, texts_running.WORDS)
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: {key: text for part in _PARTS for key, text in part[language].items()} for language in ("en", "zh-CN")
}
