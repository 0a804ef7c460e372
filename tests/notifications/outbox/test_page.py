"""The outbox page: what would have been sent, escaped, by phone; and nowhere near production."""

import httpx

from app.core import clock as clocks
from app.core.database import unit_of_work
from app.core.jobs import settle
from notifications.api import close_channels, send
from notifications.sending.jobs import JOBS
from tests.factories import identity
from tests.notifications.notices import NEWS


async def test_the_page_shows_messages_by_address_and_escapes_them(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    await close_channels()
    community = await identity.community()
    ada = await identity.account(community, name="Ada <b>", email="ada@example.org")
    for key in ("news:1", "news:2"):
        async with unit_of_work() as session:
            await send(
                session,
                NEWS,
                [ada.id],
                community_id=community.id,
                dedupe_key=key,
                variables={"headline": "<script>alert(1)</script>", "count": 1},
                collapse_key="news",
            )
    await settle(JOBS)
    page = await client.get("/demo/outbox")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "Ada &lt;b&gt; (ada@example.org)" in page.text
    assert "sent 2 times" in page.text
    (item,) = (await client.get("/demo/outbox/messages")).json()["items"]
    assert (item["channel"], item["times_sent"], item["title"]) == ("mail", 2, "News from the house")


async def test_an_empty_outbox_is_a_page_too(client: httpx.AsyncClient) -> None:
    assert "Nothing yet" in (await client.get("/demo/outbox")).text
