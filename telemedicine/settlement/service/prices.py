"""A clinic's terms and prices: set by its coordinators, never changed afterwards, only followed by others."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, StaleVersion
from app.core.routing import check_version
from telemedicine.clinics.access import require_own_clinic
from telemedicine.clinics.models import VisitType
from telemedicine.settlement import repository
from telemedicine.settlement.models import BillingTerms, ChargeItem
from telemedicine.settlement.problems import NoTerms, PriceInPast
from telemedicine.settlement.schemas.prices import BillingTermsWrite, ChargeItemWrite


async def set_terms(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: BillingTermsWrite, if_match: int | None
) -> BillingTerms:
    """Set on which terms a clinic bills from now on and return them; bills that are issued keep their currency.

    Raises ``NotAClinic``, ``StaleVersion``.
    """
    clinic = await require_own_clinic(await session.connection(), actor, organization_id)
    row = await repository.terms_of(session, organization_id)
    if row is None:
        if if_match is not None:
            raise StaleVersion
        row = BillingTerms(community_id=clinic.community_id, organization_id=organization_id, **data.model_dump())
        session.add(row)
    else:
        check_version(row, if_match)
        for name, value in data.model_dump().items():
            setattr(row, name, value)
    await session.flush()
    await audit.record(session, actor, "billing_terms:set", object_id=row.id)
    return row


async def set_price(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: ChargeItemWrite
) -> ChargeItem:
    """Set what a clinic asks for a code from an instant on and return it; the price before it ends then.

    Raises ``NoTerms``, ``PriceInPast``, ``Malformed`` for a type of visit that is not the clinic's, or no time at all.
    """
    terms = await repository.terms_of(session, organization_id)
    if terms is None:
        raise NoTerms
    if data.visit_type_id is not None:
        visit_type = await session.get(VisitType, data.visit_type_id)
        if visit_type is None or visit_type.organization_id != organization_id:
            raise Malformed(errors=[FieldError("/body/visit_type_id", "no visit type of the clinic", "unknown")])
    valid_from = data.valid_from or clock.now()
    if data.valid_until is not None and data.valid_until <= valid_from:
        raise Malformed(errors=[FieldError("/body/valid_until", "lies before valid_from", "before_begin")])
    before = await repository.last_price(session, organization_id, data.code)
    if before is not None:
        if before.valid_from >= valid_from:
            raise PriceInPast(valid_from=before.valid_from.isoformat())
        if before.valid_until is None or before.valid_until > valid_from:
            before.valid_until = valid_from
    row = ChargeItem(
        community_id=terms.community_id,
        organization_id=organization_id,
        set_by=actor.id,
        currency=terms.currency,
        **data.model_dump(exclude={"valid_from"}),
        valid_from=valid_from,
    )
    session.add(row)
    await session.flush()
    await audit.record(session, actor, "charge_item:set", object_id=row.id)
    return row
