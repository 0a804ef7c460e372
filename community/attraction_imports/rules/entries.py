"""What is read of an entry of a file, where it stood there, and what could not be read."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MOST_ENTRIES: Final = 5_000
MOST_THINGS: Final = 50_000
"""In a file, with all that is no attraction: it is refused before any of it is read."""
MOST_TROUBLES: Final = 100

LANGUAGES: Final = {"en": "en", "zh": "zh-CN"}
_HAN: Final = re.compile("[\u3400-\u9fff]")
_TRADITIONAL: Final = re.compile("zh-(hant|tw|hk|mo)", re.IGNORECASE)

_YES_NO: Final[Mapping[str, bool]] = {"yes": True, "designated": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, at which place of the file (RFC 6901)."""

    pointer: str
    detail: str
    code: str


@dataclass(slots=True)
class Entry:
    """The values of one attraction as the file gives them, and from where in the file each is."""

    pointer: str
    values: dict[str, Any] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)

    def take(self, name: str, value: Any, pointer: str) -> None:
        """Take a value that the file gives; ``None`` is none."""
        if value is not None:
            self.values[name] = value
            self.pointers[name] = pointer

    def refuse(self, pointer: str, detail: str, code: str) -> None:
        """Note something that cannot be read, as far as anybody is told of it."""
        if len(self.troubles) < MOST_TROUBLES:
            self.troubles.append(Trouble(pointer, detail, code))

    def at(self, location: Iterable[int | str]) -> str:
        """Return where in the file a value stood that is not as it has to be."""
        names = [str(part) for part in location]
        for length in range(len(names), 0, -1):
            if found := self.pointers.get("/".join(names[:length])):
                return found
        return self.pointer


@dataclass(frozen=True, slots=True)
class Document:
    """What is in a file: its attractions, how much else, and what is wrong with it as a whole."""

    entries: list[Entry]
    skipped: int = 0
    troubles: tuple[Trouble, ...] = ()


def too_many(pointer: str, most: int) -> Document:
    """Return what is read of a file with more in it than is taken: nothing."""
    return Document([], troubles=(Trouble(pointer, f"at most {most} in a file", "too_many"),))


def language_of(tag: str | None, text: str) -> str | None:
    """Return which of our languages a text is in, ``None`` for another one; without a tag, its script says so."""
    if tag is None:
        return "zh-CN" if _HAN.search(text) else "en"
    return None if _TRADITIONAL.match(tag) else LANGUAGES.get(tag.lower().split("-")[0])


def escaped(name: str) -> str:
    """Return a member's name as a pointer writes it."""
    return name.replace("~", "~0").replace("/", "~1")


def hour(text: str) -> str:
    """Return ``9:00`` or ``09:00:00`` as ``09:00``; raises ``ValueError``."""
    found = re.fullmatch(r"([01]?\d|2[0-4]):([0-5]\d)(?::[0-5]\d)?", text.strip())
    if found is None:
        raise ValueError(f"{text} is no time of the day")
    return f"{int(found[1]):02}:{found[2]}"


def until(starts: str, ends: str) -> str:
    """Return when hours end as rules write it: beyond 24:00 if on the next day; a day that ends at 23:59 is whole."""
    if ends == "23:59":
        return "24:00"
    return f"{int(ends[:2]) + 24}{ends[2:]}" if ends <= starts else ends


def yes_no(value: object) -> bool | None:
    """Return whether a text says yes or no, ``None`` for anything else: ``limited`` is neither."""
    return _YES_NO.get(value) if isinstance(value, str) else None


def is_number(value: object) -> bool:
    """Say whether a value of a document is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)
