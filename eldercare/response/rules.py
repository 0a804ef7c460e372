"""What a text message from somebody who was told of an alarm says."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

_TAKES: Final = re.compile(r"\W*1\W*(?P<code>[0-9]{4})?\W*")


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """That somebody takes an alarm, and the code of the message they answer, if they name one."""

    code: str | None


def read_acknowledgement(text: str) -> Acknowledgement | None:
    """Return what a text message says; ``None`` if it is not "1", alone or with a code."""
    found = _TAKES.fullmatch(unicodedata.normalize("NFKC", text))
    return Acknowledgement(found["code"]) if found else None
