"""What is handed over the counter: a page for each ticket, with the code that the gate reads."""

import io

import pytest
from pypdf import PdfReader

from tests.community.ticket_office.conftest import PRICE, Scene

pytestmark = pytest.mark.usefixtures("subscribed")


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
    assert sale["cart"]["orders"][0]["tickets"][0]["id"] in words.replace("\n", "")
    assert "归田园居" in PdfReader(io.BytesIO(chinese.content)).pages[0].extract_text()


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
