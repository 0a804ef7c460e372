"""Who may do what with cards: residents and who acts for them link and remove, the operator verifies and decides."""

from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from app.identity.api import Member, ResidentSubject, member_guard, resident_guard
from community.citizen_cards.models import SCHEMES

MANAGE: Final = "profile:manage"
"""A card says more of a person than most who may know them are to learn: only who keeps their profile sees any."""

Theirs = Annotated[ResidentSubject, Depends(resident_guard(MANAGE))]
Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]

_SCHEME: Final = sa.select(SCHEMES).where(
    SCHEMES.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
    SCHEMES.c.code == sa.bindparam("code", type_=sa.String),
    SCHEMES.c.is_active,
)


async def require_scheme(connection: AsyncConnection, actor: Actor, code: str) -> sa.Row[Any]:
    """Return a kind of card of the actor's community; raises ``Malformed`` where there is none."""
    found = (await connection.execute(_SCHEME, {"community_id": actor.community_id, "code": code})).one_or_none()
    if found is None:
        raise Malformed(errors=[FieldError("/body/scheme", "there is no such card here", "unknown_scheme")])
    return found
