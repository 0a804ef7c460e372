"""Calls that are no events of ours: whoever wrote a delivery says at the moment of the call what is called, and how."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ToCompose:
    """A delivery that is about to be made: ``data`` is what it was written with."""

    endpoint_id: uuid.UUID
    resident_id: uuid.UUID | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Composed:
    """What is sent: to ``path`` below the endpoint's address, with ``headers`` beside those of every call."""

    method: Literal["POST", "PUT"] = "POST"
    path: str = ""
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Composer = Callable[[ToCompose], Awaitable[Composed | None]]
"""Makes a call; ``None`` where there is nothing any more that the endpoint may be told."""

_composers: dict[str, Composer] = {}


def install_composers(composers: Mapping[str, Composer]) -> None:
    """Make ``composers``, by the name that endpoints have them by, those that are asked."""
    _composers.clear()
    _composers.update(composers)


async def compose(name: str, delivery: ToCompose) -> Composed | None:
    """Return what the composer ``name`` makes of a delivery; raises ``KeyError`` where there is none."""
    return await _composers[name](delivery)
