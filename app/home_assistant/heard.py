"""One message as it was heard: its text, and its JSON, taken apart once however many entities are in it."""

from typing import Any, Final

from app.home_assistant.documents import MOST_STATE, read_json
from app.home_assistant.shapes import NotUnderstood

NOT_JSON: Final = object()
_ENCODINGS: Final = frozenset({"utf-8", "ascii", "latin-1", "iso-8859-1", "utf-16"})


class Heard:
    """A payload; ``text`` and ``json`` are worked out when first asked for."""

    __slots__ = ("_json", "_text", "encoding", "payload")

    def __init__(self, payload: bytes, encoding: str = "utf-8") -> None:
        self.payload = payload
        self.encoding = encoding if encoding in _ENCODINGS else "utf-8"
        self._text: str | None = None
        self._json: Any = None

    @property
    def text(self) -> str:
        """Return the payload as text; raises ``NotUnderstood`` with ``not_text``."""
        text = self._text
        if text is None:
            try:
                text = self._text = self.payload.decode(self.encoding)
            except UnicodeDecodeError:
                raise NotUnderstood("not_text") from None
        return text

    @property
    def json(self) -> Any:
        """Return what the payload says as JSON, or ``NOT_JSON``; raises ``NotUnderstood`` where it is too much."""
        document = self._json
        if document is None:
            try:
                document = read_json(self.payload, MOST_STATE)
            except NotUnderstood as problem:
                if problem.code != "not_json":
                    raise
                document = NOT_JSON
            self._json = document
        return document


_last = Heard(b"")


def heard(payload: bytes, encoding: str = "utf-8") -> Heard:
    """Return a message, the same one while the same payload comes: it is read once for all of a device's entities."""
    global _last  # noqa: PLW0603 - the last message, replaced whole
    last = _last
    if last.payload is payload and last.encoding == encoding:
        return last
    _last = found = Heard(payload, encoding)
    return found
