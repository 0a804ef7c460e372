"""Leaving a kind of mail: one click, nobody signed in, and nothing a link was not signed for."""

import uuid

import httpx
import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import reading
from app.identity.models import Account
from notifications.preferences.models import PREFERENCES
from notifications.templates.categories import Category, _registry
from notifications.unsubscribing.links import Subscription, link, token
from tests.factories import identity
from tests.notifications.notices import TESTS


async def muted() -> list[tuple[uuid.UUID, *tuple[str, ...]]]:
    async with reading() as connection:
        rows = await connection.execute(sa.select(PREFERENCES.c.account_id, PREFERENCES.c.muted))
        return [(account_id, *pair.split(":")) for account_id, pairs in rows for pair in pairs]


async def ada(language: str = "en") -> Account:
    return await identity.account(await identity.community(), name="Ada", language=language)


async def test_one_click_of_a_mail_program_ends_these_mails_and_no_others(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    account = await ada()
    address = link(Subscription(account.id, TESTS.key, "mail"))
    assert address is not None
    path = httpx.URL(address).path
    for _ in range(2):  # programs and people repeat themselves
        answer = await client.post(path, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200, answer.text
    assert await muted() == [(account.id, TESTS.key, "mail")]


async def test_looking_at_the_link_ends_nothing(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account = await ada("zh-CN")
    path = f"/v1/unsubscriptions/{token(Subscription(account.id, TESTS.key, 'mail'))}"
    page = await client.get(path)
    assert page.status_code == 200
    assert "不再接收“测试”的邮件吗？" in page.text
    assert '<form method="post">' in page.text
    assert await muted() == []
    done = await client.post(path, files={"List-Unsubscribe": (None, "One-Click")})
    assert "您将不再收到“测试”的邮件" in done.text


async def test_a_link_we_did_not_sign_is_none(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account = await ada()
    good = token(Subscription(account.id, TESTS.key, "mail"))
    other_tag, other_payload = (good[:i] + ("A" if good[i] != "A" else "B") + good[i + 1 :] for i in (0, 30))
    for bad in (good[:-1], other_tag, other_payload, "x", "é" * 20):
        assert (await client.get(f"/v1/unsubscriptions/{bad}")).status_code == 404
        assert (await client.post(f"/v1/unsubscriptions/{bad}")).status_code == 404
    assert await muted() == []


async def test_what_cannot_be_silenced_has_no_link_and_an_old_one_is_void(
    client: httpx.AsyncClient, clock: clocks.ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await ada()
    path = f"/v1/unsubscriptions/{token(Subscription(account.id, TESTS.key, 'mail'))}"
    unsilenceable = object.__new__(Category)
    for name, value in (("key", TESTS.key), ("names", TESTS.names), ("mutable", False)):
        object.__setattr__(unsilenceable, name, value)
    monkeypatch.setitem(_registry, TESTS.key, unsilenceable)
    assert link(Subscription(account.id, TESTS.key, "mail")) is None
    assert link(Subscription(account.id, "undeclared", "mail")) is None
    assert (await client.post(path)).status_code == 404
    assert await muted() == []


async def test_of_somebody_who_is_gone_nothing_is_stored(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    path = f"/v1/unsubscriptions/{token(Subscription(uuid.UUID(int=7), TESTS.key, 'mail'))}"
    assert (await client.post(path)).status_code == 200
    assert await muted() == []
