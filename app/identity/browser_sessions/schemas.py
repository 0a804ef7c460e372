"""What a page knows of whoever is signed in by a cookie."""

import uuid
from dataclasses import dataclass

from app.core.access import Actor
from app.identity.viewing.schemas import Viewing


@dataclass(frozen=True, slots=True)
class BrowserVisitor:
    """Whoever is signed in by a cookie.

    While somebody of support looks on, ``actor`` is the person viewed, ``viewing`` says so, and ``time_zone`` is
    theirs; ``language`` and ``name`` are of whoever sits there. ``csrf`` is what the forms of this browser carry.
    """

    actor: Actor
    session_id: uuid.UUID
    account_id: uuid.UUID
    language: str
    time_zone: str
    name: str
    csrf: str
    viewing: Viewing | None = None
