"""Tickets on paper, as they are handed over the counter: each with the code that the gate reads."""

import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
from babel.dates import format_date, format_time
from babel.numbers import format_currency, get_currency_precision
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.database import unit_of_work
from app.core.qr_codes import qr_svg
from app.core.sealing import unseal
from app.core.typesetting import typeset
from app.core.wall_time import zone
from community.ticket_codes.rules import Code
from community.ticket_codes.service import codes_for
from community.ticket_office.views import papers
from community.ticket_orders.models import HOLDER

_TEMPLATE: Final = Path(__file__).parent.parent / "paper" / "ticket.typ"
_LOCALES: Final = {"en": "en", "zh-CN": "zh_Hans_CN"}
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Tickets",
        "alt": "The ticket's code, for the gate",
        "day": "Day",
        "time": "Entry",
        "persons": "Persons",
        "holder": "Name",
        "price": "Price, tax included",
        "tour": "Language",
        "number": "Ticket",
        "note": "Show this code at the gate. It lets in once.",
        "again": "Show this code at the gate. You may leave and come back the same day.",
        "named": "Bring the document: the name is checked.",
        "entitled": "Bring the card that this price is for.",
    },
    "zh-CN": {
        "title": "门票",
        "alt": "供闸机扫描的门票二维码",
        "day": "日期",
        "time": "入场时间",
        "persons": "人数",
        "holder": "姓名",
        "price": "价格（含税）",
        "tour": "讲解语言",
        "number": "票号",
        "note": "请在闸机出示此码，仅限入场一次。",
        "again": "请在闸机出示此码，当日可再次入场。",
        "named": "实名入场，请携带证件原件。",
        "entitled": "请携带享受此票价的证卡。",
    },
}


async def tickets_of(actor: Actor, organization_id: uuid.UUID, order_id: uuid.UUID, language: str) -> BinaryIO:
    """Return the tickets of an order that was sold at the organization's counter, or by it, as a PDF.

    Those that were given back are not among them. Raises ``NotFound``, also where none is left.
    """
    async with unit_of_work() as session:
        connection = await session.connection()
        sold, rows = await papers.sold_by(connection, organization_id, order_id)
        said = await _papers(connection, sold.community_id, rows, language)
        await audit.record(session, actor, "office_sale:print", object_id=sold.id, community_id=sold.community_id)
    words = _WORDS[language]
    async with aclosing(_dictated(said)) as rows_said:
        return await typeset(_TEMPLATE, {"language": language, "title": words["title"]}, rows_said)


async def _papers(
    connection: AsyncConnection, community_id: uuid.UUID, rows: Sequence[Any], language: str
) -> list[dict[str, Any]]:
    codes = await codes_for(connection, community_id, [_code(row) for row in rows])
    return [_paper(row, code, language) for row, code in zip(rows, codes, strict=True)]


async def _dictated(tickets: Sequence[dict[str, Any]]) -> AsyncGenerator[bytes]:
    for paper in tickets:
        yield orjson.dumps(paper)


def _code(row: Any) -> Code:
    return Code(
        ticket_id=row.id,
        attraction_id=row.attraction_id,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        persons=row.persons,
        revision=row.revision,
        name_checked=row.is_named,
        entitlement_shown=row.needs_entitlement is not None,
        may_return=row.reentry == "same_day",
    )


def _paper(row: Any, code: str, language: str) -> dict[str, Any]:
    words, locale, wall = _WORDS[language], _LOCALES[language], zone(row.time_zone)
    facts = [
        (words["day"], format_date(row.starts_at.astimezone(wall).date(), "full", locale=locale)),
        (
            words["time"],
            f"{_time(row.starts_at.astimezone(wall), locale)} – {_time(row.entry_until.astimezone(wall), locale)}",
        ),
        (words["persons"], str(row.persons)),
        (words["price"], _money(row.price_amount, row.currency, locale)),
        (words["number"], str(row.id)),
    ]
    if row.language is not None:
        facts.insert(2, (words["tour"], row.language))
    if row.holder is not None:
        facts.insert(2, (words["holder"], _holder(orjson.loads(unseal(row.holder, HOLDER)))))
    notes = [words["again" if row.reentry == "same_day" else "note"]]
    notes += [words["named"]] if row.is_named else []
    notes += [words["entitled"]] if row.needs_entitlement is not None else []
    return {
        "attraction": row.attraction[language],
        "product": row.product[language],
        "facts": facts,
        "code": qr_svg(code),
        "alt": words["alt"],
        "note": " ".join(notes),
    }


def _money(amount: int, currency: str, locale: str) -> str:
    return format_currency(Decimal(amount).scaleb(-get_currency_precision(currency)), currency, locale=locale)


def _time(at: datetime, locale: str) -> str:
    return format_time(at.time(), "short", locale=locale)


def _holder(said: Mapping[str, Any]) -> str:
    return f"{said['name']} (…{said['document_end']})" if said.get("document_end") else str(said["name"])
