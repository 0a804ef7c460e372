"""How an organization is named on what it issues from now on."""

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.invoices.models import Issuer
from app.billing.invoices.schemas import IssuerWrite
from app.core import audit
from app.core.problems import StaleVersion
from app.core.routing import check_version
from app.identity.api import Member


async def set_issuer(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, data: IssuerWrite, if_match: int | None
) -> Issuer:
    """Say how an organization is named and return it; what was issued keeps the name it was issued in.

    Raises ``StaleVersion``.
    """
    found = sa.select(Issuer).where(col(Issuer.organization_id) == organization_id).with_for_update()
    row = await session.scalar(found)
    if row is None:
        if if_match is not None:
            raise StaleVersion
        row = Issuer(community_id=member.community_id, organization_id=organization_id, **data.model_dump())
        session.add(row)
    else:
        check_version(row, if_match)
        row.name, row.address, row.tax_number = data.name, data.address, data.tax_number
    await audit.record(session, member.actor, "issuer:change", object_id=row.id)
    await session.flush()
    return row
