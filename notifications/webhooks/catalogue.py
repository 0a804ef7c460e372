"""The events organizations can be told of: declared by whoever knows what happened, published as a list."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TEST: Final = "webhook.test"
"""The event of a test delivery; nobody subscribes to it."""

_NAME: Final = re.compile(r"[a-z_]+\.[a-z_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """An outward event: what happened to a resident, as the ids of what it is about and nothing else.

    It goes to organizations whose service agreement gives them ``scope`` on the resident. ``object_ids`` are the names
    under which the ids stand; ``resident_id`` is always among them.
    """

    name: str
    scope: str
    object_ids: tuple[str, ...]
    description: str

    def __post_init__(self) -> None:
        """Add it to the list; raises ``ValueError`` for a malformed one or a name that is taken."""
        if not _NAME.fullmatch(self.name) or self.name == TEST:
            raise ValueError(f"an outward event's name reads thing.what_happened, not {self.name!r}")
        if not all(name.endswith("_id") for name in self.object_ids) or "resident_id" in self.object_ids:
            raise ValueError(f"{self.name} carries ids; the resident's is added to them")
        if _declared.setdefault(self.name, self) != self:
            raise ValueError(f"there are two outward events {self.name}")


_declared: dict[str, WebhookEvent] = {}


def webhook_events() -> Mapping[str, WebhookEvent]:
    """Return every declared outward event by name."""
    return _declared
