"""Who may announce: operators to everybody, an organization's coordinators to the residents it serves."""

import uuid
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import connection_of
from app.identity.api import Member, member_guard
from notifications.broadcasts.models import BROADCASTS

Announcer = Annotated[Member, Depends(member_guard("operator", "coordinator"))]


def oversees(member: Member) -> bool:
    """Say whether a member announces to, and sees the announcements of, the whole community."""
    return member.role == "operator" and member.organization_kind == "operator"


KNOWN = sa.and_(
    BROADCASTS.c.community_id == sa.bindparam("member_community", type_=sa.Uuid),
    sa.or_(
        sa.bindparam("member_oversees", type_=sa.Boolean),
        BROADCASTS.c.organization_id == sa.bindparam("member_organization", type_=sa.Uuid),
    ),
)
"""The condition that the bound member may know of a broadcast; execute with ``member_binds``."""
_FIND = sa.select(BROADCASTS.c.id).where(BROADCASTS.c.id == sa.bindparam("broadcast_id", type_=sa.Uuid), KNOWN)


def member_binds(member: Member) -> dict[str, object]:
    """Return the binds of ``KNOWN``."""
    return {
        "member_community": member.community_id,
        "member_oversees": oversees(member),
        "member_organization": member.organization_id,
    }


@dataclass(frozen=True, slots=True)
class BroadcastSubject:
    """The broadcast a request is about, and who asks."""

    id: uuid.UUID
    member: Member


async def require_broadcast(connection: AsyncConnection, member: Member, broadcast_id: uuid.UUID) -> BroadcastSubject:
    """Return the broadcast; raises ``NotFound`` where the member may not know of it."""
    if await connection.scalar(_FIND, {"broadcast_id": broadcast_id, **member_binds(member)}) is None:
        raise NotFound
    return BroadcastSubject(broadcast_id, member)


async def _broadcast_guard(request: Request, member: Announcer) -> BroadcastSubject:
    try:
        broadcast_id = uuid.UUID(str(request.path_params["broadcast_id"]))
    except ValueError:
        raise Malformed(errors=[FieldError("/path/broadcast_id", "not a UUID", "uuid_parsing")]) from None
    return await require_broadcast(await connection_of(request), member, broadcast_id)


KnownBroadcast = Annotated[BroadcastSubject, Depends(_broadcast_guard)]
