"""Who sends a request, and how fast somebody stops being who they were."""

from datetime import datetime, timedelta

import jwt
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from sqlmodel import col
from starlette.requests import Request

from app.core import clock as clocks
from app.core.access import ANONYMOUS, Actor, Membership
from app.core.database import Database, reading, unit_of_work
from app.core.problems import Unauthenticated
from app.identity.authenticator import IdentityAuthenticator, authenticate_sos
from app.identity.clients.models import ApiKey
from app.identity.models import Account
from app.identity.models import Membership as MembershipRow
from app.identity.sessions import tokens
from app.identity.sessions.models import AccountSession
from tests.factories import identity
from tests.factories.sign_in import (
    access_headers,
    bearer,
    client_headers,
    device_headers,
    session_of,
    sign_in,
    sign_in_resident,
)


def asking(headers: dict[str, str]) -> Request:
    """Return a request with these headers."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": raw, "state": {}})


async def authenticate(headers: dict[str, str]) -> Actor:
    return await IdentityAuthenticator().authenticate(asking(headers))


async def refused(headers: dict[str, str]) -> bool:
    try:
        await authenticate(headers)
    except Unauthenticated:
        return True
    return False


async def test_nobody_is_anonymous(database: Database) -> None:
    assert await authenticate({}) == ANONYMOUS


async def test_a_resident_is_known_with_their_session(database: Database, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    resident = await identity.resident(home)
    actor = await authenticate(await sign_in_resident(resident))
    assert (actor.kind, actor.id, actor.community_id) == ("account", resident.account_id, home.id)
    assert actor.resident_id == resident.id
    assert actor.session_id is not None
    assert actor.scopes is None
    assert actor.memberships == ()


async def test_memberships_count_until_they_end(database: Database, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    agency = await identity.organization(home, kind="care_agency")
    carer = await identity.staff(agency, role="carer")
    headers = await sign_in(carer)
    assert (await authenticate(headers)).memberships == (Membership(agency.id, "care_agency", "carer"),)
    async with unit_of_work() as session:
        await session.execute(sa.update(MembershipRow).values(ended_at=clock.now()))
    assert (await authenticate(headers)).memberships == ()


async def test_a_second_factor_is_asked_for_where_an_organization_says_so(
    database: Database, clock: clocks.ManualClock
) -> None:
    home = await identity.community()
    agency = await identity.organization(home, kind="care_agency")
    async with unit_of_work() as session:
        session.add(agency)
        agency.requires_second_factor = True
    carer = await identity.staff(agency, role="carer")
    without = await authenticate(await sign_in(carer))
    assert (without.memberships, without.second_factor) == ((), False)
    with_it = await authenticate(await sign_in(carer, second_factor=True))
    assert (len(with_it.memberships), with_it.second_factor) == (1, True)


async def test_an_access_token_ends_after_fifteen_minutes(database: Database, clock: clocks.ManualClock) -> None:
    headers = await sign_in(await identity.account(await identity.community()))
    clock.advance(timedelta(minutes=15) - timedelta(seconds=1))
    await authenticate(headers)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Unauthenticated, match="expired"):
        await authenticate(headers)


async def test_revocation_and_deactivation_work_at_once(database: Database, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    account, other = await identity.account(home), await identity.account(home)
    headers, others = await sign_in(account), await sign_in(other)
    await authenticate(headers)
    async with unit_of_work() as session:
        await session.execute(
            sa.update(AccountSession).where(col(AccountSession.account_id) == account.id).values(revoked_at=clock.now())
        )
        await session.execute(sa.update(Account).where(col(Account.id) == other.id).values(state="deactivated"))
    assert await refused(headers)
    assert await refused(others)


async def test_tokens_of_others_are_refused(database: Database, clock: clocks.ManualClock) -> None:
    row = await session_of(await identity.account(await identity.community()))
    good = access_headers(row)["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(good, options={"verify_signature": False})
    ring = tokens.key_ring()
    stranger = tokens.KeyRing.of(bytes(range(32)))
    public_pem = ring.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = {"kid": ring.key_id}
    forged = [
        "",
        "x",
        "a.b.c",
        good[:-4] + "AAAA",
        jwt.encode(claims, stranger.private, "EdDSA", headers=head),
        jwt.encode(claims, stranger.private, "EdDSA", headers={"kid": stranger.key_id}),
        jwt.encode(claims, "", "none", headers=head),
        jwt.PyJWS().encode(b"{}", public_pem.hex()[:64], "HS256", headers=head),
        jwt.encode({**claims, "aud": "other"}, ring.private, "EdDSA", headers=head),
        jwt.encode({**claims, "iss": "other"}, ring.private, "EdDSA", headers=head),
        jwt.encode({**claims, "sub": "nobody"}, ring.private, "EdDSA", headers=head),
        jwt.encode({k: v for k, v in claims.items() if k != "sid"}, ring.private, "EdDSA", headers=head),
    ]
    assert not await refused(bearer(good))
    for token in forged:
        assert await refused(bearer(token)), token
    assert await refused({"Authorization": f"Basic {good}"})


async def test_a_token_of_another_account_does_not_fit_the_session(
    database: Database, clock: clocks.ManualClock
) -> None:
    home = await identity.community()
    row = await session_of(await identity.account(home))
    other = await identity.account(home)
    token, _ = tokens.issue(other.id, row.id, home.id)
    assert await refused(bearer(token))


async def test_keys_rotate_and_earlier_tokens_stay_good(database: Database, clock: clocks.ManualClock) -> None:
    row = await session_of(await identity.account(await identity.community()))
    headers = access_headers(row)
    old = tokens.key_ring()
    raw = old.private.public_key().public_bytes_raw()
    tokens.install_key_ring(tokens.KeyRing.of(bytes(32), [raw]))
    try:
        await authenticate(headers)
        await authenticate(access_headers(row))
        published = tokens.key_ring().published()["keys"]
        assert [key["kid"] for key in published] == [tokens.key_ring().key_id, old.key_id]
        tokens.install_key_ring(tokens.KeyRing.of(bytes(32)))
        assert await refused(headers)
    finally:
        tokens.install_key_ring(None)


async def test_an_api_key_acts_for_its_organization(database: Database, clock: clocks.ManualClock) -> None:
    agency = await identity.organization(await identity.community(), kind="care_agency")
    headers = await client_headers(agency, {"check_ins:read"})
    actor = await authenticate(headers)
    assert (actor.kind, actor.scopes) == ("client", frozenset({"check_ins:read"}))
    assert [membership.organization_id for membership in actor.memberships] == [agency.id]
    assert await refused({"Authorization": headers["Authorization"][:-1] + "_"})
    async with unit_of_work() as session:
        await session.execute(sa.update(ApiKey).values(expires_at=clock.now()))
    assert await refused(headers)


async def test_the_last_use_of_a_key_is_noted_to_the_hour(database: Database, clock: clocks.ManualClock) -> None:
    headers = await client_headers(await identity.organization(await identity.community()), ())

    async def used_at() -> datetime | None:
        await authenticate(headers)
        async with reading() as connection:
            return await connection.scalar(sa.select(col(ApiKey.last_used_at)))

    first = await used_at()
    assert first == clock.now()
    clock.advance(timedelta(minutes=59))
    assert await used_at() == first
    clock.advance(timedelta(minutes=1))
    assert await used_at() == clock.now()


async def test_a_device_raises_alarms_and_sends_what_it_measures_of_its_resident_only(
    database: Database, clock: clocks.ManualClock
) -> None:
    resident = await identity.resident(await identity.community())
    actor = await authenticate(await device_headers(resident))
    assert (actor.kind, actor.resident_id) == ("device", resident.id)
    assert actor.scopes == frozenset({"alarms:raise", "location:write", "vitals:write"})
    assert await refused(await device_headers(resident, revoked_at=clock.now()))


async def test_sos_with_a_good_token_is_an_ordinary_request(database: Database, clock: clocks.ManualClock) -> None:
    resident = await identity.resident(await identity.community())
    actor = await authenticate_sos(asking(await sign_in_resident(resident)))
    assert (actor.kind, actor.resident_id) == ("account", resident.id)


async def test_sos_with_a_token_past_its_time_still_raises_an_alarm(
    database: Database, clock: clocks.ManualClock
) -> None:
    resident = await identity.resident(await identity.community())
    headers = await sign_in_resident(resident)
    async with unit_of_work() as session:
        await session.execute(sa.update(AccountSession).values(revoked_at=clock.now()))
    clock.advance(timedelta(days=90))
    actor = await authenticate_sos(asking(headers))
    assert (actor.kind, actor.resident_id) == ("device", resident.id)
    assert actor.scopes == frozenset({"alarms:raise"})
    assert actor.memberships == ()
    clock.advance(timedelta(minutes=15))
    with pytest.raises(Unauthenticated):
        await authenticate_sos(asking(headers))


async def test_sos_of_a_deactivated_account_is_refused(database: Database, clock: clocks.ManualClock) -> None:
    resident = await identity.resident(await identity.community())
    headers, device = await sign_in_resident(resident), await device_headers(resident)
    async with unit_of_work() as session:
        await session.execute(sa.update(Account).values(state="deactivated"))
    for given in (headers, device):
        with pytest.raises(Unauthenticated):
            await authenticate_sos(asking(given))


async def test_sos_a_device_credential_stands_behind_a_bad_token(database: Database, clock: clocks.ManualClock) -> None:
    resident = await identity.resident(await identity.community())
    credential = (await device_headers(resident))["Authorization"].removeprefix("Bearer ")
    for authorization in ("Bearer rubbish", "Basic rubbish", "Bearer hl_rubbish"):
        headers = {"Authorization": authorization, "X-Device-Credential": credential}
        assert (await authenticate_sos(asking(headers))).resident_id == resident.id
    assert (await authenticate_sos(asking({"X-Device-Credential": credential}))).resident_id == resident.id


async def test_sos_from_a_paired_phone_a_relative_is_signed_in_on(
    database: Database, clock: clocks.ManualClock
) -> None:
    home = await identity.community()
    resident, relative = await identity.resident(home), await identity.account(home)
    credential = (await device_headers(resident))["Authorization"].removeprefix("Bearer ")
    signed_in = await sign_in(relative)
    assert (await authenticate_sos(asking(signed_in))).id == relative.id
    both = {**signed_in, "X-Device-Credential": credential}
    assert (await authenticate_sos(asking(both))).resident_id == resident.id
    spoilt = {**signed_in, "X-Device-Credential": credential[:-1]}
    assert (await authenticate_sos(asking(spoilt))).id == relative.id


async def test_sos_nobody_at_all_is_refused(database: Database, clock: clocks.ManualClock) -> None:
    for headers in ({}, bearer("x"), {"X-Device-Credential": "hd_x"}, {"X-Device-Credential": "hl_x"}):
        with pytest.raises(Unauthenticated):
            await authenticate_sos(asking(headers))


def test_claims_are_verified_once_per_token() -> None:
    token, _ = tokens.issue(*(clocks.new_id() for _ in range(3)))
    before = tokens._verified.cache_info()
    assert tokens.verify(token) == tokens.verify(token)
    after = tokens._verified.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 1)


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("change", ["", "=", "A", "%", ".", "\u00e9", "cut", "extended"])
def test_a_token_is_ours_to_the_last_character(part: int, change: str) -> None:
    token, _ = tokens.issue(*(clocks.new_id() for _ in range(3)))
    parts = token.split(".")
    whole = parts[part]
    middle = len(whole) // 2
    swapped = "B" if whole[middle] == "A" else "A"
    changed = {"cut": whole[:-4], "extended": whole + "AAAA", "A": whole[:middle] + swapped + whole[middle + 1 :]}
    parts[part] = changed.get(change, whole + change if change else "")
    with pytest.raises(tokens.BadTokenError):
        tokens.verify(".".join(parts))


async def test_a_lost_connection_costs_nobody_a_request(database: Database, clock: clocks.ManualClock) -> None:
    headers = await sign_in(await identity.account(await identity.community()))
    async with reading() as connection:
        process = await connection.scalar(sa.text("SELECT pg_backend_pid()"))
    async with unit_of_work() as session:
        await session.execute(sa.text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process})
    assert (await authenticate(headers)).kind == "account"
