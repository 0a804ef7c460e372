"""Documents on paper: set from what was stored when they were issued, the same each time."""

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.invoices.rules import papers
from app.billing.invoices.rules.papers import Paper
from app.billing.invoices.rules.sides import STATEMENT_SIDES
from app.billing.invoices.rules.words import day_name, money, words_of
from app.billing.invoices.schemas import ProviderStatement, ResidentStatement
from app.billing.invoices.views import documents, statements
from app.core import audit, clock
from app.core.access import Actor
from app.core.database import reading
from app.core.problems import FieldError, Malformed
from app.core.typesetting import typeset
from app.core.wall_time import month_around, resolve, zone
from app.identity.api import ResidentSubject, community, organizations_named, resident_names

_TEMPLATE: Final = Path(__file__).parent.parent / "paper" / "document.typ"
_SET: Final = {"invoice": papers.invoice_paper, "credit_note": papers.credit_note_paper}


async def invoice(
    actor: Actor,
    invoice_id: uuid.UUID,
    language: str,
    *,
    resident_id: uuid.UUID | None = None,
    organization_id: uuid.UUID | None = None,
) -> BinaryIO:
    """Return an invoice or a credit note as a PDF, and put on record who took it; raises ``NotFound``."""
    async with reading() as connection:
        found, whose = await documents.one(
            connection, invoice_id, resident_id=resident_id, organization_id=organization_id
        )
        await _record(connection, actor, "invoice:read", whose, invoice_id)
    return await _print(_SET[found.kind](found, language))


async def receipt(
    actor: Actor,
    payment_id: uuid.UUID,
    language: str,
    *,
    resident_id: uuid.UUID | None = None,
    organization_id: uuid.UUID | None = None,
) -> BinaryIO:
    """Return the receipt of a payment for something that was invoiced as a PDF; raises ``NotFound``."""
    async with reading() as connection:
        payment, of = await documents.payment(
            connection, payment_id, resident_id=resident_id, organization_id=organization_id
        )
        place = await community(connection, payment.community_id)
        await _record(connection, actor, "receipt:read", payment.payer_id, payment_id)
    received_on = payment.received_at.astimezone(zone(place.time_zone)).date()
    return await _print(papers.receipt_paper(of, payment, language, received_on))


async def resident_statement(actor: Actor, subject: ResidentSubject, month: date) -> ResidentStatement:
    """Return a month of a resident's account, and put on record who looked; raises ``Malformed`` for one to come."""
    async with reading() as connection:
        place = await community(connection, subject.community_id)
        await _record(connection, actor, "bill_statement:read", subject.resident_id, None)
        span = _span(month, place.time_zone)
        return await statements.of_resident(connection, subject.resident_id, month, span, place.currency)


async def print_resident_statement(actor: Actor, subject: ResidentSubject, month: date, language: str) -> BinaryIO:
    """Return a month of a resident's account as a PDF."""
    found = await resident_statement(actor, subject, month)
    async with reading() as connection:
        place = await community(connection, subject.community_id)
        names = await resident_names(connection, [subject.resident_id])
    words = words_of(language)
    rows = [
        [
            day_name(line.at.astimezone(zone(place.time_zone)).date(), language),
            words[line.kind].format(how=papers.how(line.how, language) if line.how else ""),
            money(line.amount, found.currency, language),
        ]
        for line in found.lines
    ]
    totals = [(words[side], money(getattr(found, side), found.currency, language)) for side in ("opening", "closing")]
    parties = [
        papers.party(words["from"], place.name),
        papers.party(words["to"], names.get(subject.resident_id) or words["erased"]),
    ]
    set_at = _as_of(month, place.time_zone)
    paper = papers.statement_paper(
        "resident_statement", month, language, set_at=set_at, parties=parties, rows=rows, totals=totals
    )
    return await _print(paper)


async def provider_statement(community_id: uuid.UUID, organization_id: uuid.UUID, month: date) -> ProviderStatement:
    """Return a month between the platform and a provider; raises ``Malformed`` for one to come."""
    async with reading() as connection:
        place = await community(connection, community_id)
        span = _span(month, place.time_zone)
        return await statements.of_provider(connection, organization_id, month, span, place.currency)


async def print_provider_statement(
    community_id: uuid.UUID, organization_id: uuid.UUID, month: date, language: str
) -> BinaryIO:
    """Return a month between the platform and a provider as a PDF."""
    found = await provider_statement(community_id, organization_id, month)
    async with reading() as connection:
        place = await community(connection, community_id)
        named = await organizations_named(connection, community_id, [organization_id])
    words = words_of(language)
    totals = [
        (words["payable_opening"], money(found.opening, found.currency, language)),
        *(
            (words[name], money(sign * getattr(found, name), found.currency, language))
            for name, sign in STATEMENT_SIDES
            if getattr(found, name) or name in ("gross", "fees", "refunds", "paid_out")
        ),
        (words["payable_closing"], money(found.closing, found.currency, language)),
        (words["subsidies"], money(found.subsidies, found.currency, language)),
    ]
    parties = [papers.party(words["from"], place.name), papers.party(words["to"], named[organization_id].name)]
    set_at = _as_of(month, place.time_zone)
    paper = papers.statement_paper(
        "provider_statement", month, language, set_at=set_at, parties=parties, rows=[], totals=totals
    )
    return await _print(paper)


def _span(month: date, time_zone: str) -> tuple[datetime, datetime]:
    """Return when a month begins and ends on the wall of the community."""
    since, until = month_around(resolve(month, time(12), time_zone), time_zone)
    if since > clock.now():
        raise Malformed(errors=[FieldError("/path/month", "has not begun", "in_the_future")])
    return since, until


def _as_of(month: date, time_zone: str) -> datetime:
    """Return the end of a month that is over, now for the one that is not: a past month is set the same each time."""
    return min(clock.now(), _span(month, time_zone)[1])


async def _print(paper: Paper) -> BinaryIO:
    async with aclosing(_rows(paper)) as rows:
        return await typeset(_TEMPLATE, paper.head(), rows)


async def _rows(paper: Paper) -> AsyncGenerator[bytes]:
    for row in paper.rows:
        yield orjson.dumps(list(row))


async def _record(
    connection: AsyncConnection, actor: Actor, action: str, resident_id: uuid.UUID, object_id: Any
) -> None:
    if actor.resident_id != resident_id:
        await audit.record(connection, actor, action, resident_id=resident_id, object_id=object_id)
