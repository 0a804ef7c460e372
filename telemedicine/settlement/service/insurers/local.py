"""The local insurer: it splits bills by the published schemes and keeps its own books, in the database.

For demonstration and development; production knows only the insurers of its settings.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.database import unit_of_work
from telemedicine.settlement.models import LOCAL_YEARS, LocalInsuranceClaim, LocalInsuranceYear
from telemedicine.settlement.rules import splitting
from telemedicine.settlement.rules.asking import Answered, AnsweredLine, Asked
from telemedicine.settlement.rules.splitting import Scheme, Split, Treated, Used

_OPEN_YEAR: Final = insert(LOCAL_YEARS).on_conflict_do_nothing()


class LocalInsurer:
    """One published scheme as an insurer."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme

    async def ask(self, asked: Asked) -> Answered:
        """Decide, once for each identifier: asked again it says the same."""
        if asked.kind == "eligibility":
            return Answered(outcome="complete", reference=str(asked.identifier), in_force=True)
        if asked.currency != self._scheme.currency:
            return Answered(outcome="error", disposition=f"this insurance pays in {self._scheme.currency}")
        async with unit_of_work() as session:
            if asked.kind == "reversal":
                return await self._take_back(session, asked)
            return await self._decide(session, asked)

    async def follow_up(self, asked: Asked) -> Answered:
        """Say what was decided."""
        return await self.ask(asked)

    async def _decide(self, session: AsyncSession, asked: Asked) -> Answered:
        year = await self._year(session, asked)
        known = await session.get(LocalInsuranceClaim, asked.identifier)
        if known is not None:
            return Answered.model_validate(known.answer)
        treated = Treated(asked.city, asked.tier, asked.served_on, asked.birth_date, asked.registered)
        lines = [(line.code, line.amount) for line in asked.lines]
        used = Used(year.deductible_used, year.paid_amount)
        found = splitting.split(self._scheme, treated, lines, used, splitting.catalogue(asked.city))
        year.deductible_used += found.deductible
        year.paid_amount += found.insured
        answered = _answer(asked, found)
        session.add(
            LocalInsuranceClaim(
                id=asked.identifier,
                resident_id=asked.resident_id,
                year_id=year.id,
                served_on=asked.served_on,
                insured_amount=found.insured,
                deductible_amount=found.deductible,
                answer=answered.model_dump(mode="json"),
            )
        )
        await session.flush()
        return answered

    async def _take_back(self, session: AsyncSession, asked: Asked) -> Answered:
        """Free what a claim took of the year, once; one that never arrived took nothing."""
        year = await self._year(session, asked)
        claim = await session.get(LocalInsuranceClaim, asked.about) if asked.about else None
        if claim is not None and claim.reversed_at is None:
            claim.reversed_at = clock.now()
            year.paid_amount -= claim.insured_amount
            year.deductible_used -= claim.deductible_amount
            await session.flush()
        return Answered(outcome="complete", reference=str(asked.about))

    async def _year(self, session: AsyncSession, asked: Asked) -> LocalInsuranceYear:
        """Return the books of the person's year, locked: whoever claims beside waits, and sees what is left."""
        year = asked.served_on.year
        opened = LocalInsuranceYear(
            resident_id=asked.resident_id, insurer=self._scheme.key, year=year, cap_amount=self._scheme.yearly_cap
        )
        await session.execute(_OPEN_YEAR, opened.model_dump())
        found = sa.select(LocalInsuranceYear).where(
            col(LocalInsuranceYear.resident_id) == asked.resident_id,
            col(LocalInsuranceYear.insurer) == self._scheme.key,
            col(LocalInsuranceYear.year) == year,
        )
        locked = found.with_for_update().execution_options(populate_existing=True)
        return (await session.scalars(locked)).one()


def _answer(asked: Asked, found: Split) -> Answered:
    return Answered(
        outcome="complete",
        reference=str(asked.identifier),
        currency=asked.currency,
        submitted=asked.total,
        eligible=found.eligible,
        insured=found.insured,
        deductible=found.deductible,
        lines=tuple(
            AnsweredLine(sequence=line.sequence, eligible=share.eligible, insured=share.insured, reason=share.reason)
            for line, share in zip(asked.lines, found.shares, strict=True)
        ),
    )
