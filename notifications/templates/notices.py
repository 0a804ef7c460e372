"""What a notice is: declared once by the feature that sends it, known to the delivery worker by its key."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from notifications.templates.variables import Kind

Urgency = Literal["critical", "high", "normal", "low"]
Channel = Literal["push", "sms", "voice", "mail", "inbox"]
Mode = Literal["all", "first"]

BY_URGENCY: Final = timedelta.min
"""The patience of a notice that declares none of its own: ``PATIENCE`` says which."""
PATIENCE: Final[Mapping[Urgency, timedelta | None]] = {
    "critical": timedelta(seconds=20),  # a third of a ladder's usual step: what falls back still arrives within it
    "high": timedelta(minutes=2),
    "normal": timedelta(hours=1),
    "low": None,
}

_KEY = re.compile(r"[a-z_]+(?:\.[a-z_]+)*\.[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A kind of message; its texts are ``<package>/texts/<last part of key>/<language>.toml``, a section per channel.

    ``mode`` "all" uses every channel at once; "first" uses the first channel, and the next one only when a channel
    failed for good. The inbox is no fallback: a notice that names it is always kept there.
    ``variables`` names what the texts need and of which kind each is (see ``templates/variables.py``): ids, instants
    and enumerations, which become names and local times when a text is rendered.
    ``useful_for`` is how long the message is worth sending; after that it expires instead of arriving stale.
    patience: timedelta | None = BY_URGENCY
    ``is_awaited``: somebody looks at their phone until it is there, and a second one says the same as the first. What a
    provider did not answer is sent again within seconds, as what is critical is.
    """

    key: str
    category: str
    urgency: Urgency
    channels: tuple[Channel, ...]
    package: str
    variables: Mapping[str, Kind] = field(default_factory=dict)
    mode: Mode = "all"
    useful_for: timedelta = timedelta(hours=24)
    patience: timedelta | None = BY_URGENCY
    is_awaited: bool = False

    def __post_init__(self) -> None:
        """Register the notice; raises ``ValueError`` for a malformed one or a key that is taken."""
        if not _KEY.fullmatch(self.key):
            raise ValueError(f"a notice's key reads package.name, not {self.key!r}")
        if not self.channels or len(set(self.channels)) < len(self.channels):
            raise ValueError(f"{self.key} needs channels, each once")
        if self.patience == BY_URGENCY:
            object.__setattr__(self, "patience", PATIENCE[self.urgency])
        if _registry.setdefault(self.key, self) != self:
            raise ValueError(f"there are two notices {self.key}")

    @property
    def outgoing(self) -> tuple[Channel, ...]:
        """The channels that leave the house, in order."""
        return tuple(channel for channel in self.channels if channel != "inbox")


_registry: dict[str, Notice] = {}


def notices() -> Mapping[str, Notice]:
    """Return every declared notice by key."""
    return _registry
