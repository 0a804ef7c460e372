"""The words of the pages of the road."""

from collections.abc import Mapping
from typing import Final

from app.portal.road.chinese import CHINESE
from app.portal.road.english import ENGLISH

WORDS: Final[Mapping[str, Mapping[str, str]]] = {"en": ENGLISH, "zh-CN": CHINESE}
