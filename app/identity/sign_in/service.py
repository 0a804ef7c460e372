"""Signing in by a one-time code, and what all ways of signing in share: finding the account, beginning the session."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import unit_of_work
from app.core.events import emit
from app.core.problems import NotFound
from app.core.rate_limits import Rate, limit
from app.core.sealing import seal, unseal
from app.core.settings import settings
from app.identity.events import SignInCodeRequested
from app.identity.models import Account, Community
from app.identity.people.problems import checked
from app.identity.people.rules import normalize_email, normalize_phone
from app.identity.people.seals import contact_index
from app.identity.sessions import service as sessions
from app.identity.sessions.schemas import Tokens
from app.identity.sign_in import repository, rules
from app.identity.sign_in.models import SignInChallenge
from app.identity.sign_in.problems import MethodNotOffered, SignInCodeInvalid
from app.identity.sign_in.schemas import AccountChoice, Candidate, CodeRequest, CodeRequested, CodeSignIn

CODE: Final = "identity_sign_in_challenge.code"
DESTINATION: Final = "identity_sign_in_challenge.destination"
EXPIRED_KEPT: Final = timedelta(days=1)
# Many phones share an address behind a carrier's network; a number or mail address belongs to few people.
CODES_PER_DESTINATION: Final = (
    ("sign_in_destination", Rate(5, timedelta(minutes=15))),
    ("sign_in_destination_day", Rate(12, timedelta(days=1))),
)


@dataclass(frozen=True, slots=True)
class SignInCode:
    """A code as whoever sends it needs it."""

    community_id: uuid.UUID
    account_ids: tuple[uuid.UUID, ...]
    channel: str
    destination: str
    code: str
    language: str
    expires_at: datetime


def require_offered() -> None:
    """Raise ``MethodNotOffered`` unless people can sign in with a code here."""
    if "local" not in settings().signin.methods:
        raise MethodNotOffered


def normalized(data: CodeRequest, country: str) -> str:
    """Return the number or address a code goes to as it is looked up; raises ``Malformed``."""
    if data.email is not None:
        return checked("email", data.email, normalize_email)
    return checked("phone", data.phone or "", lambda phone: normalize_phone(phone, country))


async def country_of(session: AsyncSession, community_id: uuid.UUID) -> str:
    """Return the community's country (ISO 3166-1); raises ``NotFound``."""
    community = await session.get(Community, community_id)
    if community is None:
        raise NotFound("there is no such community")
    return community.country


async def limit_codes(community_id: uuid.UUID, destination: str) -> None:
    """Count a code for a number or address; raises ``TooManyRequests``."""
    for name, rate in CODES_PER_DESTINATION:
        await limit(name, f"{community_id} {contact_index(destination).hex()}", rate)


async def request_code(session: AsyncSession, data: CodeRequest, destination: str) -> CodeRequested:
    """Store a code for ``destination`` and ask for it to be sent.

    Does the same for every destination and looks nobody up: whether somebody is known there is found out by whoever
    sends the code, so neither the answer nor its time can tell.
    """
    lifetime = timedelta(minutes=settings().signin.code_minutes)
    channel: Literal["sms", "email"] = "email" if data.email is not None else "sms"
    challenge = SignInChallenge(
        community_id=data.community_id,
        channel=channel,
        destination=seal(destination, DESTINATION),
        destination_index=contact_index(destination),
        code=seal(rules.new_code(), CODE),
        expires_at=clock.now() + lifetime,
    )
    session.add(challenge)
    await emit(session, SignInCodeRequested(aggregate_id=challenge.id, community_id=data.community_id, channel=channel))
    return CodeRequested(challenge_id=challenge.id, expires_in=int(lifetime.total_seconds()))


async def sign_in_code(session: AsyncSession, challenge_id: uuid.UUID) -> SignInCode | None:
    """Return the code of a challenge for sending, or ``None`` if nobody is known there or its time is over."""
    challenge = await session.get(SignInChallenge, challenge_id)
    if challenge is None or challenge.used_at is not None or challenge.expires_at <= clock.now():
        return None
    accounts = await repository.reached_at(session, challenge.community_id, challenge.destination_index)
    if not accounts:
        return None
    return SignInCode(
        community_id=challenge.community_id,
        account_ids=tuple(account.id for account in accounts),
        channel=challenge.channel,
        destination=unseal(challenge.destination, DESTINATION),
        code=unseal(challenge.code, CODE),
        language=accounts[0].language,
        expires_at=challenge.expires_at,
    )


async def sign_in(data: CodeSignIn) -> Tokens | AccountChoice:
    """Return tokens for a right code, or whom to choose from if several people share the number.

    Opens its own unit of work, so that a wrong code is counted although it is refused. Raises ``SignInCodeInvalid``,
    whatever is wrong with the challenge.
    """
    async with unit_of_work() as session:
        who = await identify(session, data.challenge_id, data.code, data.account_id)
        answer = await sessions.begin(session, who, "local", data.device_label) if isinstance(who, Account) else who
    if answer is None:
        raise SignInCodeInvalid
    return answer


async def identify(
    session: AsyncSession, challenge_id: uuid.UUID, code: str, account_id: uuid.UUID | None
) -> Account | AccountChoice | None:
    """Return whose code it is, using it up, or whom to choose from if several people share the number.

    ``None`` if it is not right, which is counted: the caller commits, whatever it answers.
    """
    row = await repository.lock_challenge(session, challenge_id)
    if row is None:
        return None
    challenge = rules.Challenge(unseal(row.code, CODE), row.expires_at, row.attempts, row.used_at)
    if not rules.is_right(challenge, code, clock.now()):
        row.attempts += 1
        return None
    accounts = await repository.reached_at(session, row.community_id, row.destination_index)
    chosen = choose(accounts, account_id)
    if chosen is None:
        row.attempts += 1
        return None
    if isinstance(chosen, AccountChoice):
        return chosen
    row.used_at = clock.now()
    await repository.mark_verified(session, chosen.id, row.destination_index)
    return chosen


def choose(accounts: Sequence[Account], account_id: uuid.UUID | None) -> Account | AccountChoice | None:
    """Return the account that signs in, whom to choose from, or ``None`` if it is none of ``accounts``."""
    if account_id is not None:
        return next((account for account in accounts if account.id == account_id), None)
    if len(accounts) > 1:
        candidates = [Candidate(account_id=account.id, name=account.name) for account in accounts]
        return AccountChoice(choose=candidates)
    return accounts[0] if accounts else None


async def purge() -> int:
    """Delete challenges a day after they expired; return how many there were."""
    async with unit_of_work() as session:
        return await repository.purge(session, clock.now() - EXPIRED_KEPT)
