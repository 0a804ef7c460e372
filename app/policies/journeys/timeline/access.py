"""Who reads a timeline: whoever has any lasting right that shows something of it; what they lack is left out."""

import uuid
from dataclasses import dataclass, replace
from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, authenticate
from app.core.database import reading
from app.core.problems import FieldError, Malformed, NotFound, Unauthenticated
from app.identity.api import ResidentSubject, actor_binds, is_visible, require_resident
from app.policies.journeys.timeline.rules.kinds import SCOPES
from telemedicine import api as telemedicine

_resident: Final = sa.bindparam("of_resident", type_=sa.Uuid)
_RECORDS: Final = "records:read"
# What happened over the years is no emergency's business, and a file of it would outlive the alarm.
_RIGHTS: Final = sa.select(*(is_visible(_resident, scope, lasting=True).label(scope) for scope in SCOPES))


@dataclass(frozen=True, slots=True)
class TimelineReader:
    """Whose timeline is read by whom, and with which of the rights that show something of it."""

    actor: Actor
    subject: ResidentSubject
    held: frozenset[str]


async def require_reader(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> TimelineReader:
    """Return the actor as a reader of a resident's timeline, with the rights of this instant.

    Raises ``NotFound`` if they may not know the resident, ``Forbidden`` without any right that shows something.
    """
    # What somebody tells their doctors is read by clinics as staff, and by no agency: as telemedicine's own routes do.
    as_clinic = actor_binds(telemedicine.of_clinics(actor), telemedicine.APPOINTMENTS_SCOPE)
    # Which clinics a resident is referred to is theirs to look up: a clinic has its own lists, and sees no others'.
    as_resident = actor_binds(replace(actor, memberships=()), _RECORDS)
    binds = {"of_resident": resident_id, **actor_binds(actor, *SCOPES), **as_clinic, **as_resident}
    rights = (await connection.execute(_RIGHTS, binds)).mappings().one()
    held = [scope for scope in SCOPES if rights[scope]]
    subject = await require_resident(connection, actor, resident_id, held[0] if held else SCOPES[0], lasting=True)
    return TimelineReader(actor, subject, frozenset(held))


async def _reader(request: Request) -> TimelineReader:
    actor = await authenticate(request)
    if actor.kind == "anonymous":
        raise Unauthenticated
    resident_id = _meant(request, actor)
    # Of its own: the stream and the file hold no connection of the request's.
    async with reading() as connection:
        return await require_reader(connection, actor, resident_id)


_reader.scope = SCOPES  # type: ignore[attr-defined]  # read by the access matrix test

Reader = Annotated[TimelineReader, Depends(_reader)]
"""Whoever reads the timeline of ``/me/…`` or ``/residents/{resident_id}/…``: 404 for strangers, 403 without a right."""


def _meant(request: Request, actor: Actor) -> uuid.UUID:
    named = request.path_params.get("resident_id")
    if named is None:
        if actor.resident_id is None:
            raise NotFound("you are not a resident")
        return actor.resident_id
    try:
        return uuid.UUID(str(named))
    except ValueError:
        raise Malformed(errors=[FieldError("/path/resident_id", "not a UUID", "uuid_parsing")]) from None
