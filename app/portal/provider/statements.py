"""The money: month by month what was earned, kept and paid out, and how each payout stands."""

import asyncio
import csv
import io
import re
import uuid
from datetime import date
from typing import Annotated, Any, Final

from babel.numbers import get_currency_precision
from fastapi import Query
from starlette.responses import Response

from app.billing.api import STATEMENT_SIDES
from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.ground.asking import unless_hidden
from app.portal.ground.pages import address
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.provider.company import ROOT, company_of, page

router = pages_router(f"{ROOT}/{{organization_id}}/statements")

MONTHS: Final = 12
PAGE: Final = 20
_MONTH: Final = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
_SAFE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
Cursor = Annotated[str | None, Query(max_length=400)]


def months_until(last: date, count: int) -> list[str]:
    """Return so many months as ``2026-03``, the last one first."""
    number = last.year * 12 + last.month - 1
    return [f"{one // 12}-{one % 12 + 1:02}" for one in range(number, number - count, -1)]


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_statements(visit: Visitor, organization_id: uuid.UUID, cursor: Cursor = None) -> Response:
    """Show what is still to be paid out, what was, and the way to each month."""
    path = f"/v1/organizations/{organization_id}"
    company = await company_of(visit, organization_id)
    balances, transfers, account, terms, fee, disputes = await asyncio.gather(
        visit.api.get(f"{path}/payout-balances"),
        visit.api.get(f"{path}/transfers", limit=PAGE, cursor=cursor),
        unless_hidden(visit.api.get(f"{path}/payout-account")),
        unless_hidden(visit.api.get(f"{path}/payout-terms")),
        unless_hidden(visit.api.get(f"{path}/platform-fee")),
        visit.api.get(f"{path}/disputes", limit=PAGE),
    )
    return page(
        visit,
        "statements.html",
        company,
        "statements",
        balances=balances["items"],
        transfers=transfers["items"],
        following=address(f"{company.root}/statements", cursor=transfers["next"]) if transfers["next"] else "",
        account=account,
        terms=terms,
        fee=fee,
        disputes=disputes["items"],
        months=months_until(company.their.today(), MONTHS),
    )


@router.get("/payouts/{transfer_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_payout(visit: Visitor, organization_id: uuid.UUID, transfer_id: uuid.UUID) -> Response:
    """Show a payout and which orders it is for."""
    company, transfer = await asyncio.gather(
        company_of(visit, organization_id),
        visit.api.get(f"/v1/organizations/{organization_id}/transfers/{transfer_id}"),
    )
    return page(visit, "payout.html", company, "statements", transfer=transfer)


async def _statement(visit: Visit, organization_id: uuid.UUID, month: str) -> Any:
    if not _MONTH.fullmatch(month):
        raise NotFound
    return await visit.api.get(f"/v1/organizations/{organization_id}/provider-statements/{month}")


# Before the same without an ending, which would take this for a month.
@router.get("/{month}.pdf", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def print_statement(visit: Visitor, organization_id: uuid.UUID, month: str) -> Response:
    """Print a month, in the reader's language."""
    if not _MONTH.fullmatch(month):
        raise NotFound
    answer = await visit.api.ask("GET", f"/v1/organizations/{organization_id}/provider-statements/{month}.pdf")
    headers = {**_SAFE, "Content-Disposition": f'attachment; filename="statement-{month}.pdf"'}
    return Response(answer.body, media_type="application/pdf", headers=headers)


@router.get("/{month}.csv", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def table_statement(visit: Visitor, organization_id: uuid.UUID, month: str) -> Response:
    """Give a month as a table for a spreadsheet: a line for each figure, in units of the currency."""
    statement = await _statement(visit, organization_id, month)
    places = get_currency_precision(statement["currency"])
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(("month", "line", "amount", "currency"))
    lines = [("opening", 1), *STATEMENT_SIDES, ("closing", 1), ("subsidies", 1)]
    for name, sign in lines:
        amount = sign * statement[name]
        table.writerow((month, name, f"{amount / 10**places:.{places}f}", statement["currency"]))
    headers = {**_SAFE, "Content-Disposition": f'attachment; filename="statement-{month}.csv"'}
    return Response(written.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/{month}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_statement(visit: Visitor, organization_id: uuid.UUID, month: str) -> Response:
    """Show a month between the company and the platform."""
    company, statement = await asyncio.gather(
        company_of(visit, organization_id), _statement(visit, organization_id, month)
    )
    lines = [
        (name, sign * statement[name]) for name, sign in STATEMENT_SIDES if statement[name] or name in ("gross", "fees")
    ]
    return page(visit, "statement.html", company, "statements", statement=statement, lines=lines, month=month)
