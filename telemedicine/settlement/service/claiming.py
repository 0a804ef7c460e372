"""Asking insurers: what is asked is written down here and committed; the worker asks."""

import uuid
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor, system_actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.sealing import seal, unseal
from app.identity.api import organizations_named, resident_record
from telemedicine.clinics.access import require_own_clinic
from telemedicine.records.schemas.administrative import CoverageContent
from telemedicine.settlement import repository
from telemedicine.settlement.models import ASKED, Bill, InsurerRequest
from telemedicine.settlement.problems import BillState, NoCoverage, NoTerms, SeveralCoverages, UnknownInsurer
from telemedicine.settlement.rules.asking import Asked, AskedLine
from telemedicine.settlement.rules.splitting import TIERS
from telemedicine.settlement.rules.states import CLAIMABLE, REMIND_AFTER, RequestKind
from telemedicine.settlement.schemas.bills import ClaimSubmit, CoverageChosen
from telemedicine.settlement.service.going_on import go_on
from telemedicine.settlement.service.insurers.directory import insurer_of


async def check_eligibility(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, bill_id: uuid.UUID, data: CoverageChosen
) -> InsurerRequest:
    """Ask whether the resident's insurance is in force on the day of the visit; return what is asked.

    Raises ``NotFound``, ``BillState`` for what was taken back, ``NoTerms``, ``NoCoverage``, ``SeveralCoverages``,
    ``UnknownInsurer``.
    """
    bill = await repository.lock(session, bill_id, organization_id)
    if bill.state == "void":
        raise BillState(state=bill.state)
    chosen = ClaimSubmit(coverage_id=data.coverage_id)
    return await _ask(session, actor, bill, "eligibility", chosen)


async def submit_claim(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, bill_id: uuid.UUID, data: ClaimSubmit
) -> InsurerRequest:
    """Claim a bill from the resident's insurer, anew and linked after a denial; return what is asked.

    Raises as ``check_eligibility``, ``BillState`` for what is not issued or is decided, and ``Malformed`` for a
    referral that did not bring the resident here: insurers pay more on its word.
    """
    bill = await repository.lock(session, bill_id, organization_id)
    if bill.state not in CLAIMABLE:
        raise BillState(state=bill.state)
    if data.referral_id is not None and not await repository.is_referred(session, bill, data.referral_id):
        raise Malformed(errors=[FieldError("/body/referral_id", "no referral of the resident to here", "unknown")])
    request = await _ask(session, actor, bill, "claim", data)
    await go_on(session, bill, "claimed", actor.id)
    return request


async def take_back(session: AsyncSession, claim: InsurerRequest, by: uuid.UUID) -> None:
    """Have an insurer take back what it decided about a claim, or may decide yet."""
    if claim.asked is None:
        return
    identifier, now = clock.new_id(), clock.now()
    asked = Asked.model_validate_json(unseal(claim.asked, ASKED))
    asked = asked.model_copy(update={"identifier": identifier, "kind": "reversal", "about": claim.id, "created": now})
    session.add(
        InsurerRequest(
            id=identifier,
            **claim.model_dump(
                include={"community_id", "organization_id", "resident_id", "bill_id", "insurer", "coverage_id"}
                | {"registered", "referral_id"}
            ),
            kind="reversal",
            about_id=claim.id,
            asked=seal(asked.model_dump_json(), ASKED),
            requested_by=by,
            ask_at=now,
            remind_at=now + REMIND_AFTER,
        )
    )
    await session.flush()


async def _ask(session: AsyncSession, actor: Actor, bill: Bill, kind: RequestKind, data: ClaimSubmit) -> InsurerRequest:
    connection = await session.connection()
    terms = await repository.terms_of(session, bill.organization_id)
    if terms is None:
        raise NoTerms
    clinic = await require_own_clinic(connection, actor, bill.organization_id)
    served_on = bill.served_at.astimezone(ZoneInfo(clinic.time_zone)).date()
    coverage_id, coverage = await _coverage(session, bill, served_on, data.coverage_id)
    insurer = insurer_of(coverage)
    if insurer is None:
        raise UnknownInsurer(insurer=coverage.insurer)
    person = await resident_record(connection, system_actor(bill.community_id), bill.resident_id)
    named = await organizations_named(connection, bill.community_id, [bill.organization_id])
    appealed = await repository.last_claim(session, bill.id) if kind == "claim" else None
    registered = data.registered or data.referral_id is not None
    identifier, now = clock.new_id(), clock.now()
    asked = Asked(
        identifier=identifier,
        kind=kind,
        created=now,
        resident_id=bill.resident_id,
        birth_date=person.birth_date,
        member_number=coverage.member_number,
        relationship=coverage.relationship,
        insurer=insurer.key,
        insurer_name=insurer.name,
        organization_id=bill.organization_id,
        organization_name=named[bill.organization_id].name,
        city=terms.city,
        tier=TIERS[terms.tier],
        served_on=served_on,
        currency=bill.currency,
        total=bill.total_amount,
        lines=tuple(
            AskedLine(
                sequence=line.sequence,
                code=line.code or "",
                name=(line.name or {}).get("en") or next(iter((line.name or {}).values()), ""),
                quantity=line.quantity,
                unit_amount=line.unit_amount,
                amount=line.amount,
            )
            for line in await repository.lines_of(session, bill.id)
        ),
        registered=registered,
        referral_id=data.referral_id,
        about=appealed.id if appealed else None,
    )
    if kind == "claim":
        bill.away = registered if insurer.city != terms.city else None
    request = InsurerRequest(
        id=identifier,
        community_id=bill.community_id,
        organization_id=bill.organization_id,
        resident_id=bill.resident_id,
        bill_id=bill.id,
        kind=kind,
        insurer=insurer.key,
        coverage_id=coverage_id,
        about_id=asked.about,
        registered=registered,
        referral_id=data.referral_id,
        asked=seal(asked.model_dump_json(), ASKED),
        requested_by=actor.id,
        ask_at=now,
        remind_at=now + REMIND_AFTER,
    )
    session.add(request)
    await session.flush()
    await audit.record(
        session,
        actor,
        "claim:submit" if kind == "claim" else "eligibility:request",
        resident_id=bill.resident_id,
        object_id=request.id,
        community_id=bill.community_id,
    )
    return request


async def _coverage(
    session: AsyncSession, bill: Bill, day: date, wanted: uuid.UUID | None
) -> tuple[uuid.UUID, CoverageContent]:
    """Return the insurance that is meant, or the only one in force on a day.

    Raises ``NotFound`` for one that is not the resident's, ``NoCoverage``, ``SeveralCoverages``.
    """
    known = await repository.coverages(session, bill.resident_id)
    if wanted is not None and wanted not in known:
        raise NotFound
    meant = {wanted: known[wanted]} if wanted is not None else known
    in_force = {
        coverage_id: coverage
        for coverage_id, coverage in meant.items()
        if (coverage.starts_on is None or coverage.starts_on <= day)
        and (coverage.ends_on is None or day <= coverage.ends_on)
    }
    if not in_force:
        raise NoCoverage
    if len(in_force) > 1:
        raise SeveralCoverages(
            coverages=[{"id": str(key), "insurer": coverage.insurer} for key, coverage in in_force.items()]
        )
    return next(iter(in_force.items()))
