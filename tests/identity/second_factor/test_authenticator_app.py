"""Authenticator apps and recovery codes as second factor."""

from datetime import UTC, datetime, timedelta

import httpx
import pyotp
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.identity.models import Account, Organization
from app.identity.second_factor import rules
from app.identity.second_factor.models import AuthenticatorApp, RecoveryCode
from tests.factories import identity
from tests.factories.sign_in import sign_in

APP = "/v1/me/second-factor/authenticator-app"
VERIFICATION = "/v1/me/second-factor/verification"


async def someone() -> Account:
    return await identity.account(await identity.community())


async def set_up(
    client: httpx.AsyncClient, headers: dict[str, str], clock: clocks.ManualClock
) -> tuple[pyotp.TOTP, list[str]]:
    """Set up an app and confirm it; return the app and the recovery codes."""
    answer = await client.post(APP, headers=headers)
    assert answer.status_code == 201, answer.text
    app = pyotp.parse_uri(answer.json()["uri"])
    assert isinstance(app, pyotp.TOTP)
    confirmed = await client.post(f"{APP}/confirmation", headers=headers, json={"code": app.at(clock.now())})
    assert confirmed.status_code == 200, confirmed.text
    return app, confirmed.json()["codes"]


async def show(client: httpx.AsyncClient, headers: dict[str, str], **body: str) -> int:
    return (await client.post(VERIFICATION, headers=headers, json=body)).status_code


async def is_shown(client: httpx.AsyncClient, headers: dict[str, str]) -> bool:
    return bool((await client.get("/v1/me/second-factor", headers=headers)).json()["is_shown"])


async def test_an_app_is_set_up_and_shown_in_the_next_session(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    account = await someone()
    first = await sign_in(account)
    app, _ = await set_up(client, first, clock)
    assert await is_shown(client, first)
    second = await sign_in(account)
    assert not await is_shown(client, second)
    clock.advance(timedelta(seconds=30))
    assert await show(client, second, code=app.at(clock.now())) == 204
    assert await is_shown(client, second)
    async with reading() as connection:
        sealed = await connection.scalar(sa.select(col(AuthenticatorApp.secret)))
    assert sealed is not None
    assert app.secret not in sealed


async def test_a_code_serves_once(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account = await someone()
    app, _ = await set_up(client, await sign_in(account), clock)
    headers = await sign_in(account)
    assert await show(client, headers, code=app.at(clock.now())) == 403
    clock.advance(timedelta(seconds=30))
    assert await show(client, headers, code=app.at(clock.now())) == 204
    assert await show(client, headers, code=app.at(clock.now())) == 403
    assert await show(client, headers, code=app.at(clock.now() - timedelta(seconds=30))) == 403


async def test_an_organization_that_asks_for_it_gets_it(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    agency = await identity.organization(await identity.community(), "care_agency")
    async with unit_of_work() as session:
        await session.execute(sa.update(Organization).values(requires_second_factor=True))
    headers = await sign_in(await identity.staff(agency, "coordinator"))
    path = f"/v1/organizations/{agency.id}/api-clients"
    assert (await client.get(path, headers=headers)).status_code == 404
    await set_up(client, headers, clock)
    assert (await client.get(path, headers=headers)).status_code == 200


async def test_an_app_counts_only_once_confirmed(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    headers = await sign_in(await someone())
    confirmation = f"{APP}/confirmation"
    assert (await client.post(confirmation, headers=headers, json={"code": "000000"})).status_code == 409
    old = (await client.post(APP, headers=headers)).json()["secret"]
    new = (await client.post(APP, headers=headers)).json()["secret"]
    code = pyotp.TOTP(new).at(clock.now())
    assert await show(client, headers, code=code) == 403
    stale = pyotp.TOTP(old).at(clock.now())
    assert (await client.post(confirmation, headers=headers, json={"code": stale})).status_code == 403
    assert (await client.post(confirmation, headers=headers, json={"code": code})).status_code == 200
    assert (await client.post(APP, headers=headers)).json()["code"] == "authenticator_app_confirmed"


async def test_guessing_ends_although_each_guess_is_refused(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    account = await someone()
    await set_up(client, await sign_in(account), clock)
    headers = await sign_in(account)
    assert [await show(client, headers, code="000000") for _ in range(6)] == [403] * 5 + [429]


async def test_patience_does_not_guess_a_code(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account = await someone()
    await set_up(client, await sign_in(account), clock)
    answers = []
    for _ in range(8):
        clock.advance(timedelta(minutes=15))
        headers = await sign_in(account)
        answers += [await show(client, headers, code="000000") for _ in range(6)]
    assert answers.count(403) < 33
    assert answers[-1] == 429


async def test_a_recovery_code_stands_in_once(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account = await someone()
    _, codes = await set_up(client, await sign_in(account), clock)
    assert len(set(codes)) == 10
    headers = await sign_in(account)
    assert await show(client, headers, recovery_code="AAAA-AAAA-AAAA-AAAA") == 403
    assert await show(client, headers, recovery_code=codes[0].lower().replace("-", " ")) == 204
    assert await show(client, headers, recovery_code=codes[0]) == 403
    state = (await client.get("/v1/me/second-factor", headers=headers)).json()
    assert (state["recovery_codes_left"], state["is_shown"]) == (9, True)
    renewed = (await client.post("/v1/me/second-factor/recovery-codes", headers=headers)).json()["codes"]
    assert not set(renewed) & set(codes)
    assert await show(client, headers, recovery_code=codes[1]) == 403
    async with reading() as connection:
        digests = (await connection.scalars(sa.select(col(RecoveryCode.digest)))).all()
    assert all(code.encode() not in digest for code in renewed for digest in digests)


async def test_removing_it_needs_it(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account = await someone()
    first = await sign_in(account)
    await set_up(client, first, clock)
    thief = await sign_in(account)
    assert (await client.delete(APP, headers=thief)).json()["code"] == "second_factor_needed"
    assert (await client.post("/v1/me/second-factor/recovery-codes", headers=thief)).status_code == 403
    assert (await client.delete(APP, headers=first)).status_code == 204
    assert (await client.delete(APP, headers=first)).status_code == 404


async def test_the_operator_helps_who_has_lost_it(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    operator, agency = await identity.organization(home), await identity.organization(home, "care_agency")
    carer = await identity.staff(agency, "carer")
    headers = await sign_in(carer)
    await set_up(client, headers, clock)
    path = f"/v1/accounts/{carer.id}/second-factor"
    elsewhere = await identity.organization(await identity.community())
    strangers: tuple[tuple[dict[str, str], int], ...] = (
        (await sign_in(await identity.staff(elsewhere)), 404),
        (headers, 403),
        ({}, 401),
    )
    for given_headers, status in strangers:
        assert (await client.delete(path, headers=given_headers)).status_code == status
    assert await is_shown(client, headers)
    assert (await client.delete(path, headers=await sign_in(await identity.staff(operator)))).status_code == 204
    assert not await is_shown(client, headers)
    await set_up(client, headers, clock)


@given(
    st.integers(1_767_225_600, 2_208_988_800),
    st.integers(-300, 300),
    st.integers(-3, 3),
)
def test_a_code_is_good_for_a_step_before_and_after_and_never_twice(moment: int, off: int, used: int) -> None:
    now = datetime.fromtimestamp(moment, tz=UTC)
    secret = rules.new_secret()
    made = now + timedelta(seconds=off)
    code = pyotp.TOTP(secret).at(made)
    made_in, current = int(made.timestamp()) // 30, int(now.timestamp()) // 30
    found = rules.accepted_counter(secret, code, now, last_counter=current + used)
    if abs(made_in - current) <= rules.WINDOW and made_in > current + used:
        assert found == made_in
    else:
        assert found is None
