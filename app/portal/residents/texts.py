"""What the pages about one resident say, in every language."""

from collections.abc import Mapping
from typing import Final

from app.portal.residents.chinese import CHINESE
from app.portal.residents.english import ENGLISH

WORDS: Final[Mapping[str, Mapping[str, str]]] = {"en": ENGLISH, "zh-CN": CHINESE}
