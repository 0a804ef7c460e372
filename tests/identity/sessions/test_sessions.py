"""Sessions over HTTP: refreshed, listed, ended; and what reuse of a refresh token does."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col

from app.core import clock as clocks
from app.core.audit_tables import AuditEntry
from app.core.database import reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.jobs import settle
from app.identity.events import AccountDeactivated
from app.identity.installations.models import Installation
from app.identity.models import Account
from app.identity.sessions import jobs, routes, rules, service, subscribers
from app.identity.sessions.models import AccountSession, RefreshToken
from app.identity.sessions.schemas import Tokens
from tests.factories import identity
from tests.factories.sign_in import bearer, client_headers, session_of, sign_in


async def begun(account: Account) -> Tokens:
    """Return the tokens of a new session."""
    async with unit_of_work() as session:
        return await service.begin(session, account, "local", "Kitchen phone")


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/v1/sign-in/refresh", json={"refresh_token": token})


async def next_token(client: httpx.AsyncClient, token: str) -> str:
    answer = await refresh(client, token)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["refresh_token"])


async def is_live(tokens: Tokens) -> bool:
    async with reading() as connection:
        statement = sa.select(col(AccountSession.revoked_at)).where(col(AccountSession.id) == tokens.session_id)
        return await connection.scalar(statement) is None


async def resident_account() -> Account:
    return await identity.account(await identity.community())


async def test_a_session_is_refreshed_as_often_as_an_honest_app_may_need(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    account = await resident_account()
    token = (await begun(account)).refresh_token
    for _ in range(routes.REFRESHES_PER_SESSION.burst):
        token = await next_token(client, token)
    refused = await refresh(client, token)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    await next_token(client, (await begun(account)).refresh_token)  # another phone of theirs
    clock.advance(timedelta(seconds=int(refused.headers["Retry-After"])))
    await next_token(client, token)  # and the token is still good


async def test_an_address_guesses_only_so_many_refresh_tokens(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    token = (await begun(await resident_account())).refresh_token
    assert (await refresh(client, "guessed")).json()["code"] == "refresh_token_invalid"
    async with unit_of_work() as session:  # as thousands more would have left it
        await session.execute(sa.text("UPDATE core_rate_bucket SET tokens = 0"))
    refused = await refresh(client, "guessed again")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    clock.advance(timedelta(seconds=int(refused.headers["Retry-After"])))
    await next_token(client, token)


async def test_a_refresh_token_is_exchanged_for_the_next(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    first = await begun(await resident_account())
    clock.advance(timedelta(days=59))
    answer = await refresh(client, first.refresh_token)
    body = answer.json()
    assert (body["expires_in"], body["token_type"]) == (900, "Bearer")
    assert body["session_id"] == str(first.session_id)
    assert (await client.get("/v1/me/sessions", headers=bearer(body["access_token"]))).status_code == 200
    clock.advance(timedelta(days=59))
    await next_token(client, body["refresh_token"])


async def test_reuse_ends_the_session_although_it_is_refused(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    first = await begun(await resident_account())
    second = await next_token(client, first.refresh_token)
    clock.advance(rules.GRACE + timedelta(seconds=1))
    answer = await refresh(client, first.refresh_token)
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_token_reused")
    assert not await is_live(first)
    assert (await refresh(client, second)).json()["code"] == "refresh_token_invalid"
    assert (await client.get("/v1/me/sessions", headers=bearer(first.access_token))).status_code == 401
    async with reading() as connection:
        events = (await connection.execute(sa.select(col(EventRecord.name), col(EventRecord.payload)))).all()
        actions = (await connection.scalars(sa.select(col(AuditEntry.action)))).all()
    assert [(event.name, event.payload["reason"]) for event in events] == [
        ("identity.session_revoked.v1", "token_reuse")
    ]
    assert list(actions) == ["session:begin", "session:end"]


async def test_a_lost_answer_is_not_reuse(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    first = await begun(await resident_account())
    lost = await next_token(client, first.refresh_token)
    clock.advance(rules.GRACE)
    second = await next_token(client, first.refresh_token)
    await next_token(client, second)
    assert await is_live(first)
    answer = await refresh(client, lost)
    assert answer.json()["code"] == "refresh_token_reused"
    assert not await is_live(first)


async def test_once_a_successor_is_used_the_grace_is_over(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    first = await begun(await resident_account())
    await next_token(client, await next_token(client, first.refresh_token))
    answer = await refresh(client, first.refresh_token)
    assert answer.json()["code"] == "refresh_token_reused"
    assert not await is_live(first)


async def test_unknown_expired_and_foreign_refresh_tokens_are_refused(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    tokens = await begun(await resident_account())
    for wrong in ("x", tokens.refresh_token[:-1] + "!", tokens.access_token[:100]):
        assert (await refresh(client, wrong)).json()["code"] == "refresh_token_invalid"
    clock.advance(timedelta(days=60))
    assert (await refresh(client, tokens.refresh_token)).json()["code"] == "refresh_token_invalid"
    assert await is_live(tokens)


async def test_a_deactivated_account_gets_no_new_tokens(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account = await resident_account()
    tokens = await begun(account)
    async with unit_of_work() as session:
        await session.execute(sa.update(Account).values(state="deactivated"))
    assert (await refresh(client, tokens.refresh_token)).status_code == 401


async def test_two_exchanges_at_once_leave_one_line(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    first = await begun(await resident_account())
    answers = await asyncio.gather(*(refresh(client, first.refresh_token) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.json()["refresh_token"] for answer in answers}) == 4
    outcomes = [await refresh(client, answer.json()["refresh_token"]) for answer in answers[:2]]
    assert [outcome.status_code for outcome in outcomes] == [200, 401]
    assert not await is_live(first)


async def test_sessions_are_listed_and_ended(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account, other = await resident_account(), await resident_account()
    old = await begun(account)
    clock.advance(timedelta(minutes=1))
    here = await begun(account)
    foreign = await session_of(other)
    headers = bearer(here.access_token)
    listed = (await client.get("/v1/me/sessions", headers=headers)).json()["items"]
    assert [(item["id"], item["is_current"]) for item in listed] == [
        (str(here.session_id), True),
        (str(old.session_id), False),
    ]
    assert listed[0]["device_label"] == "Kitchen phone"
    assert (await client.delete(f"/v1/me/sessions/{foreign.id}", headers=headers)).status_code == 404
    assert (await client.delete(f"/v1/me/sessions/{old.session_id}", headers=headers)).status_code == 204
    assert (await client.delete(f"/v1/me/sessions/{old.session_id}", headers=headers)).status_code == 404
    assert not await is_live(old)
    assert (await client.delete("/v1/me/sessions/current", headers=headers)).status_code == 204
    assert (await client.get("/v1/me/sessions", headers=headers)).status_code == 401
    assert (await refresh(client, here.refresh_token)).status_code == 401


async def test_signing_out_everywhere_forgets_the_phones(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account = await resident_account()
    headers = [await sign_in(account) for _ in range(3)]
    body = {"platform": "android", "app_version": "1.0.0", "language": "en", "fid": "fid-0123456789"}
    await client.put("/v1/me/installations/phone-0001", headers=headers[0], json=body)
    assert (await client.delete("/v1/me/sessions", headers=headers[1])).status_code == 204
    for given_headers in headers:
        assert (await client.get("/v1/me/sessions", headers=given_headers)).status_code == 401
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(Installation)) == 0


async def test_machines_have_no_sessions(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    headers = await client_headers(await identity.organization(await identity.community()), ())
    answer = await client.get("/v1/me/sessions", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "people_only")
    assert (await client.get("/v1/me/sessions")).status_code == 401


async def test_deactivation_ends_the_sessions_for_good(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account = await resident_account()
    tokens = await begun(account)
    event = AccountDeactivated(aggregate_id=account.id, community_id=account.community_id)
    async with unit_of_work() as session:
        await subscribers.SUBSCRIBERS[0].handle(session, [event])
    assert not await is_live(tokens)


async def test_what_is_over_is_deleted(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    tokens = await begun(await resident_account())
    current = await next_token(client, tokens.refresh_token)
    clock.advance(rules.NOTICED + timedelta(seconds=1))
    assert await settle(jobs.JOBS) == 1
    await next_token(client, current)
    clock.advance(timedelta(days=151))
    assert await settle(jobs.JOBS) > 0
    async with reading() as connection:
        for table in (AccountSession, RefreshToken):
            assert await connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0


async def test_the_keys_are_published(client: httpx.AsyncClient) -> None:
    answer = await client.get("/.well-known/jwks.json")
    (key,) = answer.json()["keys"]
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")
    assert "d" not in key


instants = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis takes bounds without a zone
    max_value=datetime(2026, 12, 31),  # noqa: DTZ001 - and adds the zone itself
    timezones=st.just(UTC),
)


@given(expires_at=instants, used_at=st.none() | instants, now=instants, successor=st.booleans(), sibling=st.booleans())
def test_a_line_that_went_on_without_the_token_is_never_continued(
    expires_at: datetime, used_at: datetime | None, now: datetime, successor: bool, sibling: bool
) -> None:
    verdict = rules.judge(rules.PresentedToken(expires_at, used_at, successor, sibling), now)
    if successor or sibling or (used_at is not None and now > used_at + rules.GRACE):
        assert verdict == "reuse"
    else:
        assert verdict == ("exchange" if now < expires_at else "expired")
