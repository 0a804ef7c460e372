"""Products, templates, add-ons and terms: what those who run an attraction say of them."""

import uuid
from collections.abc import Collection
from typing import Any, Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit
from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from app.core.routing import check_version
from app.core.tables import Table
from app.identity.api import community
from app.reservations.api import CapacityTaken, Overbooking, open_pool, resize
from community.attractions.access import require_of
from community.ticketing.models import SlotTemplate, TicketAddon, TicketProduct, TicketTerms
from community.ticketing.problems import CodeTaken, MoreIsSold
from community.ticketing.repository import rows
from community.ticketing.rules import ADDON_POOL
from community.ticketing.schemas.given import (
    SlotTemplateWrite,
    TicketAddonCreate,
    TicketAddonWrite,
    TicketProductCreate,
    TicketProductWrite,
    TicketTermsWrite,
)

Row = TypeVar("Row", bound=Table)
_ADDON_ONLY: Final = {"overbook_reason", "code"}


async def add_product(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    data: TicketProductCreate,
) -> TicketProduct:
    """Add something an attraction sells; raises ``NotFound``, ``CodeTaken``, ``Malformed``."""
    of = await of_attraction(session, actor, organization_id, attraction_id)
    await _check_currency(await session.connection(), actor, data.currency)
    row = TicketProduct(**of, code=data.code, **_product_values(data))
    return await _added(session, actor, row, "ticket_product:add")


async def set_product(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    product_id: uuid.UUID,
    data: TicketProductWrite,
    if_match: int | None,
) -> TicketProduct:
    """Say what a product is from now on; what was sold stays as it was. Raises ``NotFound``, ``StaleVersion``."""
    row = await rows.locked(session, TicketProduct, organization_id, product_id)
    check_version(row, if_match)
    await _check_currency(await session.connection(), actor, data.currency)
    return await changed(session, actor, row, _product_values(data), "ticket_product:set")


async def add_template(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, attraction_id: uuid.UUID, data: SlotTemplateWrite
) -> SlotTemplate:
    """Add a template; its slots are made when they are asked for. Raises ``NotFound``, ``Malformed``."""
    of = await of_attraction(session, actor, organization_id, attraction_id)
    await check_products(session, attraction_id, data.product_ids)
    return await _added(session, actor, SlotTemplate(**of, **template_values(data)), "slot_template:add")


async def set_template(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    template_id: uuid.UUID,
    data: SlotTemplateWrite,
    if_match: int | None,
) -> SlotTemplate:
    """Say what a template is from now on; slots follow when they are made anew. Raises as ``set_product`` does."""
    row = await rows.locked(session, SlotTemplate, organization_id, template_id)
    check_version(row, if_match)
    await check_products(session, row.attraction_id, data.product_ids)
    return await changed(session, actor, row, template_values(data), "slot_template:set")


async def add_addon(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, attraction_id: uuid.UUID, data: TicketAddonCreate
) -> TicketAddon:
    """Add something that is sold with tickets; raises ``NotFound``, ``CodeTaken``, ``Malformed``."""
    of = await of_attraction(session, actor, organization_id, attraction_id)
    await _check_currency(await session.connection(), actor, data.currency)
    row = TicketAddon(**of, code=data.code, **data.model_dump(exclude=_ADDON_ONLY))
    if data.stock is not None:
        row.pool_id = await _stock_of(session, row, data.stock)
    return await _added(session, actor, row, "ticket_addon:add")


async def set_addon(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    addon_id: uuid.UUID,
    data: TicketAddonWrite,
    if_match: int | None,
) -> TicketAddon:
    """Say what an add-on is from now on; raises ``NotFound``, ``StaleVersion``, ``MoreIsSold``, ``Malformed``."""
    row = await rows.locked(session, TicketAddon, organization_id, addon_id)
    check_version(row, if_match)
    await _check_currency(await session.connection(), actor, data.currency)
    values = data.model_dump(exclude=_ADDON_ONLY) | {"pool_id": None}
    if data.stock is not None:
        values["pool_id"] = await _stock_of(session, row, data.stock)
        overbooking = Overbooking(actor, data.overbook_reason) if data.overbook_reason else None
        try:
            await resize(session, values["pool_id"], data.stock, overbooking=overbooking)
        except CapacityTaken as error:
            raise MoreIsSold(
                conflicts=[{"addon_id": str(row.id), "sold": error.extensions["taken"], "capacity": data.stock}]
            ) from None
    return await changed(session, actor, row, values, "ticket_addon:set")


async def set_terms(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    data: TicketTermsWrite,
) -> None:
    """Say on which terms an attraction sells from now on; raises ``NotFound``."""
    of = await of_attraction(session, actor, organization_id, attraction_id)
    row = await rows.terms_entered(session, TicketTerms(**of))
    plain = data.model_dump(exclude={"refunds"})
    kept = {"refunds": [step.model_dump() for step in data.refunds]}
    await changed(session, actor, row, plain | kept, "ticket_terms:set")


async def of_attraction(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, attraction_id: uuid.UUID
) -> dict[str, Any]:
    """Return what says whose something is that an attraction of the organization has; raises ``NotFound``."""
    await require_of(await session.connection(), organization_id, attraction_id)
    return {
        "community_id": actor.community_id,
        "organization_id": organization_id,
        "attraction_id": attraction_id,
    }


async def check_products(session: AsyncSession, attraction_id: uuid.UUID, product_ids: Collection[uuid.UUID]) -> None:
    """Raise ``Malformed`` for products that are not the attraction's."""
    strange = await rows.strange_products(session, attraction_id, product_ids)
    if strange:
        errors = [
            FieldError(f"/body/product_ids/{place}", "the attraction has no such product", "unknown_id")
            for place, one in enumerate(product_ids)
            if one in strange
        ]
        raise Malformed(errors=errors)


async def changed(session: AsyncSession, actor: Actor, row: Row, values: dict[str, Any], action: str) -> Row:
    """Set a locked row's values, put it on record, and return the row."""
    for name, value in values.items():
        setattr(row, name, value)
    await session.flush()
    await audit.record(session, actor, action, object_id=row.id)
    return row


async def _added(session: AsyncSession, actor: Actor, row: Row, action: str) -> Row:
    if not await rows.add(session, row):
        raise CodeTaken
    await audit.record(session, actor, action, object_id=row.id)
    return row


async def _stock_of(session: AsyncSession, row: TicketAddon, stock: int) -> uuid.UUID:
    return await open_pool(session, community_id=row.community_id, kind=ADDON_POOL, subject_id=row.id, capacity=stock)


async def _check_currency(connection: AsyncConnection, actor: Actor, currency: str) -> None:
    """Raise ``Malformed`` for another currency than the community's: one cart is in one."""
    known = (await community(connection, actor.community_id)).currency
    if currency != known:
        raise Malformed(errors=[FieldError("/body/currency", f"prices here are in {known}", "currency")])


def _product_values(data: TicketProductWrite) -> dict[str, Any]:
    plain = data.model_dump(exclude={"price_rules", "code"})
    return plain | data.model_dump(mode="json", include={"price_rules"})


def template_values(data: SlotTemplateWrite) -> dict[str, Any]:
    """Return what a template's row says of it."""
    return data.model_dump(exclude={"template_id"}) | {"entry_within": data.entry_within or data.duration}
