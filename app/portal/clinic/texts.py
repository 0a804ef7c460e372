"""What the clinic's pages say, in every language Hearthline speaks."""

from collections.abc import Mapping
from typing import Final

from app.portal.clinic import texts_answers
from app.portal.clinic.chinese import CHINESE
from app.portal.clinic.english import ENGLISH

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {**ENGLISH, **texts_answers.ENGLISH},
    "zh-CN": {**CHINESE, **texts_answers.CHINESE},
}
"""Language → what is said → the words."""
