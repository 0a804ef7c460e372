"""The words of the provider's pages."""

from collections.abc import Mapping
from typing import Final

from app.portal.provider import texts_money, texts_orders, texts_people, texts_plan, texts_said, texts_work

_PARTS: Final = (texts_orders, texts_plan, texts_people, texts_said, texts_money, texts_work)
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: {key: said[place] for part in _PARTS for key, said in part.SAID.items()}
    for place, language in enumerate(("en", "zh-CN"))
}
