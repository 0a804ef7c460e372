"""A browser is signed in by a cookie that stands for a session, and ends with it at once."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.core.clock import ManualClock, new_id
from app.core.database import Database, reading, unit_of_work
from app.core.problems import NotFound
from app.identity import api as identity
from app.identity.browser_sessions import service
from app.identity.browser_sessions.models import BrowserSession
from app.identity.models import Account
from app.identity.sessions import tokens
from app.identity.sessions.models import AccountSession, RefreshToken
from app.identity.sessions.service import begin as begin_session
from app.identity.sessions.service import end
from tests.factories import identity as make
from tests.factories.sign_in import session_of


async def signed_in(account: Account, *, second_factor: bool = False) -> tuple[AccountSession, str]:
    """Sign a browser in; return the session and the cookie's secret."""
    row = await session_of(account, second_factor=second_factor)
    async with unit_of_work() as session:
        return row, await identity.begin_browser_session(session, row.id)


async def visitor(secret: str, clock: ManualClock) -> identity.BrowserVisitor | None:
    async with reading() as connection:
        return await identity.browser_visitor(connection, secret, clock.now())


async def test_a_cookie_says_who_is_there(database: Database, clock: ManualClock) -> None:
    place = await make.community()
    account = await make.account(place, name="Dora", language="zh-CN")
    row, secret = await signed_in(account)
    seen = await visitor(secret, clock)
    assert seen is not None
    assert (seen.actor.kind, seen.actor.id, seen.actor.session_id) == ("account", account.id, row.id)
    assert (seen.session_id, seen.account_id) == (row.id, account.id)
    assert (seen.name, seen.language, seen.time_zone) == ("Dora", "zh-CN", "Asia/Shanghai")
    assert seen.viewing is None
    assert seen.csrf not in secret
    assert secret not in seen.csrf
    assert await visitor(secret[:-1] + ("A" if secret[-1] != "A" else "B"), clock) is None
    assert await visitor("", clock) is None


async def test_only_a_hash_of_the_cookie_is_kept(database: Database, clock: ManualClock) -> None:
    _, secret = await signed_in(await make.account(await make.community()))
    async with unit_of_work() as session:
        kept = (await session.scalars(sa.select(BrowserSession))).one()
    assert secret not in str(kept.model_dump())


async def test_each_browser_has_a_form_token_of_its_own(database: Database, clock: ManualClock) -> None:
    account = await make.account(await make.community())
    (_, one), (_, other) = await signed_in(account), await signed_in(account)
    first, second = await visitor(one, clock), await visitor(other, clock)
    assert first is not None
    assert second is not None
    assert first.csrf != second.csrf


async def test_a_new_cookie_for_the_same_session_ends_the_old_one(database: Database, clock: ManualClock) -> None:
    row, planted = await signed_in(await make.account(await make.community()))
    async with unit_of_work() as session:
        secret = await identity.begin_browser_session(session, row.id)
    assert secret != planted
    assert await visitor(planted, clock) is None
    assert await visitor(secret, clock) is not None


async def test_signing_out_ends_the_session_and_a_stolen_cookie_with_it(database: Database, clock: ManualClock) -> None:
    row, stolen = await signed_in(await make.account(await make.community()))
    seen = await visitor(stolen, clock)
    assert seen is not None
    token = identity.access_token_of(seen)
    async with unit_of_work() as session:
        await identity.end_browser_session(session, stolen)
    assert await visitor(stolen, clock) is None
    async with unit_of_work() as session:
        ended = await session.get_one(AccountSession, row.id)
        assert (ended.revoked_reason, ended.revoked_at) == ("signed_out", clock.now())
        assert (await session.scalars(sa.select(BrowserSession))).all() == []
    async with reading() as connection:
        assert not await identity.is_signed_in(connection, row.account_id, row.id)
        with pytest.raises(Exception, match="ended"):
            await identity.actor_by_token(connection, token)
    async with unit_of_work() as session:
        await identity.end_browser_session(session, stolen)  # once more is nothing


async def test_revoking_the_session_or_deactivating_the_account_ends_it_at_once(
    database: Database, clock: ManualClock
) -> None:
    place = await make.community()
    account, other = await make.account(place), await make.account(place)
    (row, one), (_, two) = await signed_in(account), await signed_in(other)
    seen = await visitor(one, clock)
    assert seen is not None
    async with unit_of_work() as session:
        await end(session, seen.actor, account.id, row.id, "revoked")
        await session.execute(sa.update(Account).where(col(Account.id) == other.id).values(state="deactivated"))
    assert await visitor(one, clock) is None
    assert await visitor(two, clock) is None


async def test_no_cookie_begins_in_a_session_that_has_ended(database: Database, clock: ManualClock) -> None:
    row, secret = await signed_in(await make.account(await make.community()))
    async with unit_of_work() as session:
        await identity.end_browser_session(session, secret)
    async with unit_of_work() as session:
        with pytest.raises(NotFound):
            await identity.begin_browser_session(session, row.id)
        with pytest.raises(NotFound):
            await identity.begin_browser_session(session, new_id())


async def test_a_browser_has_no_refresh_token_beside_its_cookie(database: Database, clock: ManualClock) -> None:
    account = await make.account(await make.community())
    async with unit_of_work() as session:
        given = await begin_session(session, account, "local", "Firefox")
        await identity.begin_browser_session(session, given.session_id)
    async with unit_of_work() as session:
        assert (await session.scalars(sa.select(RefreshToken))).all() == []


async def test_a_relative_stays_signed_in_for_thirty_days_of_rest(database: Database, clock: ManualClock) -> None:
    _, secret = await signed_in(await make.account(await make.community()))
    clock.advance(timedelta(days=30) - timedelta(seconds=1))
    assert await visitor(secret, clock) is not None
    clock.advance(timedelta(days=30) - timedelta(seconds=1))  # that use counted
    assert await visitor(secret, clock) is not None
    clock.advance(timedelta(days=30))
    assert await visitor(secret, clock) is None


async def test_who_works_for_an_organization_is_signed_out_after_twelve_hours(
    database: Database, clock: ManualClock
) -> None:
    agency = await make.organization(await make.community(), "care_agency")
    row, secret = await signed_in(await make.staff(agency, "carer"))
    clock.advance(timedelta(hours=12) - timedelta(seconds=1))
    assert await visitor(secret, clock) is not None
    clock.advance(timedelta(hours=12))
    assert await visitor(secret, clock) is None
    async with reading() as connection:
        assert not await identity.is_signed_in(connection, row.account_id, row.id)


async def test_use_is_written_down_once_an_hour(database: Database, clock: ManualClock) -> None:
    row, secret = await signed_in(await make.account(await make.community()))
    begun = clock.now()

    async def ends() -> tuple[timedelta, timedelta, timedelta]:
        async with unit_of_work() as session:
            kept = (await session.scalars(sa.select(BrowserSession))).one()
            session_row = await session.get_one(AccountSession, row.id)
            return kept.last_used_at - begun, kept.expires_at - begun, session_row.expires_at - begun

    clock.advance(timedelta(minutes=59))
    await visitor(secret, clock)
    assert await ends() == (timedelta(0), timedelta(days=30), timedelta(days=30))
    clock.advance(timedelta(minutes=1))
    await visitor(secret, clock)
    moved = timedelta(days=30, hours=1)
    assert await ends() == (timedelta(hours=1), moved, moved)


async def test_pages_ask_our_own_api_with_one_token_until_it_ends(database: Database, clock: ManualClock) -> None:
    account = await make.account(await make.community())
    row, secret = await signed_in(account)
    seen = await visitor(secret, clock)
    assert seen is not None
    token = identity.access_token_of(seen)
    async with reading() as connection:
        assert (await identity.actor_by_token(connection, token)).session_id == row.id
    clock.advance(timedelta(minutes=12))
    assert identity.access_token_of(seen) == token
    clock.advance(timedelta(minutes=1))
    later = identity.access_token_of(seen)
    assert later != token
    assert tokens.verify(later).expires_at - clock.now() == timedelta(minutes=15)


async def test_tokens_of_sessions_long_unused_are_forgotten(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_REMEMBERED", 1)
    account = await make.account(await make.community())
    (_, one), (_, two) = await signed_in(account), await signed_in(account)
    first, second = await visitor(one, clock), await visitor(two, clock)
    assert first is not None
    assert second is not None
    identity.access_token_of(first)
    identity.access_token_of(second)
    assert len(service._given) == 1


async def test_cookies_whose_time_is_over_are_deleted(database: Database, clock: ManualClock) -> None:
    place = await make.community()
    await signed_in(await make.account(place))
    await signed_in(await make.staff(await make.organization(place, "clinic"), "clinician"))
    clock.advance(timedelta(hours=12))
    assert await service.purge() == 1
    async with unit_of_work() as session:
        assert len((await session.scalars(sa.select(BrowserSession))).all()) == 1
