"""What an export reads: chunk by chunk, each on a connection of its own, so that a slow reader holds none.

Before each it is asked whether the person is still signed in: whoever ends the session ends the export.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import privacy
from app.core.access import Actor
from app.core.database import reading, take_time, unit_of_work
from app.core.problems import Unauthenticated
from app.identity.api import GrantAgreed, agreed_grants, is_signed_in
from app.media import api as media

CHUNK: Final = 200
# Deliveries have no index by person, which would slow every notice of every morning: all of three months is read.
_LONGEST_STATEMENT: Final = timedelta(minutes=2)
_one_at_a_time = asyncio.Semaphore(1)
"""Statements of exports, of a process: requests need its other connections."""


@dataclass(frozen=True, slots=True)
class Exported:
    """Whose data is handed out: the actor's, as an account and as a resident if they are one."""

    actor: Actor
    resident_id: uuid.UUID | None

    @property
    def subjects(self) -> list[uuid.UUID]:
        """The ids that tables name the person by."""
        return [self.actor.id] if self.resident_id is None else [self.actor.id, self.resident_id]


async def rows(exported: Exported, personal: privacy.PersonalTable) -> AsyncIterator[list[privacy.Row]]:
    """Yield what a table holds about the person, ``CHUNK`` rows at a time; nothing if it holds nothing.

    Raises ``Unauthenticated`` once they are no longer signed in.
    """
    position: privacy.Position | None = None
    while True:
        async with _one_at_a_time, unit_of_work() as session:
            await take_time(session, _LONGEST_STATEMENT)
            await _require_signed_in(session, exported.actor)
            found, position = await privacy.export_chunk(session, personal, exported.subjects, position, CHUNK)
        if found:
            yield found
        if position is None:
            return


async def few(exported: Exported, tables: Sequence[str]) -> dict[str, list[privacy.Row]]:
    """Return what tables with few rows of a person hold about them; raises ``Unauthenticated``."""
    async with reading() as connection:
        await _require_signed_in(connection, exported.actor)
        return await privacy.export_subject(connection, exported.subjects, tables)


async def agreed(exported: Exported) -> dict[uuid.UUID, GrantAgreed]:
    """Return what the person was told when they gave each grant."""
    if exported.resident_id is None:
        return {}
    async with reading() as connection:
        return dict(await agreed_grants(connection, exported.resident_id))


async def files(exported: Exported) -> AsyncIterator[tuple[media.HeldFile, media.Found]]:
    """Yield the files about the person and what the store has of each; raises ``Unauthenticated``."""
    after: uuid.UUID | None = None
    while True:
        async with reading() as connection:
            await _require_signed_in(connection, exported.actor)
            file = await media.next_file(connection, exported.subjects, after)
        if file is None:
            return
        yield file, await media.look_at(file)
        after = file.id


async def parts(exported: Exported, file: media.HeldFile, found: media.Found) -> AsyncIterator[bytes]:
    """Yield the content of a file part by part; raises ``Unauthenticated``, and ``OSError`` if it is gone meanwhile."""
    async for part in media.parts(file, found):
        async with reading() as connection:
            await _require_signed_in(connection, exported.actor)
        yield part


async def _require_signed_in(executor: AsyncSession | AsyncConnection, actor: Actor) -> None:
    if not await is_signed_in(executor, actor.id, actor.session_id):
        raise Unauthenticated("the session has ended")
