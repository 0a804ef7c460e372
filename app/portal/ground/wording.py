"""How words and names are put into a sentence."""

from collections.abc import Mapping


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
