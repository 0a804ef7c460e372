"""What is handed over the counter: a page for each ticket, with the code that the gate reads."""

import io
import re
import uuid

import qrcode
import sqlalchemy as sa
from pypdf import PageObject, PdfReader

from app.core.database import unit_of_work
from community.ticket_codes.rules import Code
from community.ticket_codes.service import code_for
from community.ticket_orders.models import TICKETS
from tests.community.ticket_office.conftest import PRICE, Body, Scene

_RUN = re.compile(rb"(?<![\d.])(\d+) (\d+) m (\d+) \2 l")
"""The upper edge of a row's dark modules, in modules."""


def modules_of(page: PageObject) -> list[list[bool]]:
    """Return the dark modules of the code on a page, without its quiet zone: read off the outlines that are filled."""
    contents = page.get_contents()
    assert contents is not None
    runs = (map(int, run) for run in _RUN.findall(contents.get_data()))
    dark = {(x, y) for left, y, right in runs for x in range(left, right)}
    columns, rows = {x for x, _ in dark}, {y for _, y in dark}
    return [[(x, y) in dark for x in range(min(columns), max(columns) + 1)] for y in range(min(rows), max(rows) + 1)]


async def code_of(ticket: Body) -> str:
    """Return the text of a ticket's code, which is the same each time it is asked for."""
    async with unit_of_work() as session:
        row = (await session.execute(sa.select(TICKETS).where(TICKETS.c.id == uuid.UUID(ticket["id"])))).one()
        said = Code(row.id, row.attraction_id, row.valid_from, row.valid_until, row.persons, row.revision)
        return await code_for(await session.connection(), row.community_id, said)


async def test_tickets_are_printed_a_page_each_in_both_languages(scene: Scene) -> None:
    shift = await scene.opened()
    sale = await scene.sold(shift, scene.item(quantity=2), total=2 * PRICE)
    order_id = sale["sale"]["order_id"]
    english, chinese = await scene.print(order_id), await scene.print(order_id, language="zh-CN")

    pages = PdfReader(io.BytesIO(english.content)).pages
    words = pages[0].extract_text()
    assert (english.status_code, english.headers["content-type"], len(pages)) == (200, "application/pdf", 2)
    assert "Garden of the Retired Official" in words
    assert "CN¥60.00" in words
    assert "归田园居" in PdfReader(io.BytesIO(chinese.content)).pages[0].extract_text()
    for page, ticket in zip(pages, sale["cart"]["orders"][0]["tickets"], strict=True):
        assert ticket["id"] in page.extract_text().replace("\n", "")
        drawn = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0)
        drawn.add_data(await code_of(ticket), optimize=0)
        assert modules_of(page) == drawn.get_matrix()


async def test_what_was_given_back_is_not_printed_and_others_print_nothing(scene: Scene) -> None:
    shift = await scene.opened()
    sale = await scene.sold(shift)
    order_id = sale["sale"]["order_id"]
    allotment = await scene.allotted(slots=1)
    resold = await scene.resold((await scene.shares(allotment))[0])

    assert (await scene.print(order_id, by=scene.agent)).status_code == 404
    assert (await scene.print(resold["sale"]["order_id"], by=scene.agent)).status_code == 200
    await scene.given_back(shift, sale, PRICE)
    assert (await scene.print(order_id)).status_code == 404
