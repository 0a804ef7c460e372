"""How words and names are put into a sentence."""

from collections.abc import Mapping
from typing import Final

_RELATIONS: Final[Mapping[str, str]] = {
    "child": "子女",
    "son": "儿子",
    "daughter": "女儿",
    "grandchild": "孙辈",
    "grandson": "孙子",
    "granddaughter": "孙女",
    "sibling": "兄弟姐妹",
    "brother": "兄弟",
    "sister": "姐妹",
    "spouse": "配偶",
    "husband": "丈夫",
    "wife": "妻子",
    "partner": "伴侣",
    "parent": "父母",
    "mother": "母亲",
    "father": "父亲",
    "niece": "侄女",
    "nephew": "侄子",
    "cousin": "表亲",
    "neighbour": "邻居",
    "neighbor": "邻居",
    "friend": "朋友",
    "caregiver": "照护者",
    "guardian": "监护人",
}
"""How people most often say what somebody is to them; what they write beside these stands as they wrote it."""


def begun(text: str) -> str:
    """Return a text as a sentence or a label begins with it: its first letter large, the others as they are."""
    return text[:1].upper() + text[1:]


def worded(texts: Mapping[str, str] | None, language: str) -> str:
    """Return a text of several languages in one of them, or in whichever there is; empty where there is none."""
    texts = texts or {}
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def isolated(name: str) -> str:
    """Return a name for the midst of a sentence: whatever direction it turns to ends with it (Unicode UAX #9, FSI)."""
    return f"\u2068{name}\u2069"


def relation(language: str, written: str) -> str:
    """Return what somebody is to another in the reader's language, where it is one of the usual words."""
    return _RELATIONS.get(written.strip().lower(), written) if language == "zh-CN" else written
