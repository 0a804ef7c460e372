"""Giving commands to a home, confirming riskier ones, taking them to be sent, and believing what the home reports."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, failures, rate_limits, wakeups
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.home_assistant.api import NotPossible, Publication
from app.identity.api import PeopleOnly, require_fresh_sign_in, resident_accounts
from community.home_commands import repository, rules
from community.home_commands.access import Target, may_still, require_target, targets
from community.home_commands.models import HomeCommand
from community.home_commands.notices import DONE_BY_OTHER
from community.home_commands.problems import CommandNotOpen, NotYourCommand, RiskNotAgreed
from community.home_commands.rules import Action, Origin
from community.home_commands.schemas import Parcel, Way
from community.home_commands.service.reaching import ways
from community.home_states.schemas import StateChange
from notifications.api import send

log = structlog.get_logger(__name__)


async def give(
    session: AsyncSession,
    actor: Actor,
    entity_id: uuid.UUID,
    command: str,
    arguments: Mapping[str, Any],
    *,
    origin: Origin,
    valid_for: timedelta | None = None,
    is_agreed: bool = False,
) -> HomeCommand:
    """Have a thing in a home do something, and return the command as it stands.

    What is riskier waits to be confirmed by whoever gave it; what cannot reach the thing has failed at once and says
    why. ``is_agreed``: the resident agreed to this very command of this very automation beforehand.
    Automations and scenes count what they give themselves (``count``).

    Raises ``NotFound``, ``Forbidden`` without ``home:control``, ``PeopleOnly``, ``Malformed`` for what the thing does
    not know, ``RiskNotAgreed``, ``TooManyRequests``.
    """
    if actor.kind not in ("account", "system"):
        raise PeopleOnly
    connection = await session.connection()
    found = await require_target(connection, actor, entity_id)
    way = (await ways(connection, [found.home_id]))[found.home_id]
    publication = _understood(way, found, command, arguments)
    risk = rules.risk(found.thing, command, arguments, smoke=found.smoke)
    by_person = actor.kind == "account"
    is_agreed = is_agreed and origin == "automation"
    if rules.is_refused(risk, by_person=by_person, is_agreed=is_agreed):
        raise RiskNotAgreed
    if origin not in rules.COUNTED_BEFORE:
        await count(found.home_id, by_person=by_person)
    now = clock.now()
    good_for = rules.ttl(valid_for)
    why_not = _why_not(found)
    waits = rules.needs_confirmation(risk, origin, is_agreed=is_agreed)
    begun = rules.begins(why_not, waits=waits)
    if risk == "safer":
        # The way back overtakes: who locks the door does not want it opened by what was asked before.
        for overtaken in await repository.lock_overtaken(session, found.id):
            _end(overtaken, Action.EXPIRE, "overtaken", now)
    row = HomeCommand(
        community_id=found.community_id,
        home_id=found.home_id,
        entity_id=found.id,
        resident_id=found.resident_id,
        given_by=actor.id if by_person else None,
        origin=origin,
        command=command,
        arguments=dict(arguments),
        expected=dict(publication.expected),
        risk=risk,
        is_agreed=is_agreed,
        state=begun,
        valid_for=good_for,
        expires_at=now + good_for,
    )
    if begun == "failed":
        row.reason, row.ended_at = why_not, now
    elif begun == "queued":
        row.send_at, row.look_at = now, row.expires_at
        wakeups.request(session, rules.WAKE)
    else:
        row.confirm_by = row.look_at = row.expires_at = now + rules.CONFIRM_WITHIN
    session.add(row)
    await session.flush()
    await _enter(session, actor, row, "home_command:give", {"command": command, "entity_id": str(entity_id)})
    return row


async def count(home_id: uuid.UUID, *, by_person: bool) -> None:
    """Count a command to a home; raises ``TooManyRequests``."""
    await rate_limits.limit(rules.LIMITS[by_person], str(home_id), rules.PER_HOME)


async def agree(session: AsyncSession, actor: Actor, command_id: uuid.UUID) -> HomeCommand:
    """Let whoever gave a riskier command say so once more, and have it sent; return it.

    Raises ``NotFound``, ``NotYourCommand``, ``CommandNotOpen`` once it is too late, ``FreshSignInNeeded`` and
    ``SecondFactorNeeded``, ``Forbidden`` if they may not control the home any more.
    """
    locked = await repository.lock(session, [command_id])
    if not locked:
        raise NotFound
    (row,) = locked
    await require_target(await session.connection(), actor, row.entity_id)
    if row.given_by != actor.id:
        raise NotYourCommand
    now = clock.now()
    if row.confirm_by is None or row.confirm_by <= now:
        raise CommandNotOpen(command_state=row.state)
    await require_fresh_sign_in(session, actor)
    _queue(row, Action.AGREE, now)
    row.confirmed_by, row.expires_at = actor.id, now + row.valid_for
    row.look_at = row.expires_at
    await session.flush()
    await _enter(session, actor, row, "home_command:confirm", None)
    wakeups.request(session, rules.WAKE)
    return row


async def take(session: AsyncSession, command_ids: Sequence[uuid.UUID]) -> list[tuple[Parcel, Way]]:
    """Take queued commands into one's hands to be sent once the transaction has committed; return them.

    Everything is asked anew: whether it is still in time, whether whoever gave it still may, whether the thing can be
    reached, and whether doing it has become riskier meanwhile. What cannot be sent has failed, or expired.
    """
    rows = await repository.lock(session, command_ids, "queued")
    connection = await session.connection()
    known = await targets(connection, [row.entity_id for row in rows])
    found_ways = await ways(connection, list({row.home_id for row in rows}))
    # One that was in somebody's hands as the way back was given, and came back unsent, is called off here.
    overtaken = await repository.overtaken(session, [row.id for row in rows])
    may: dict[tuple[uuid.UUID, uuid.UUID], bool] = {}
    for row in rows:
        if row.given_by is not None and (row.given_by, row.home_id) not in may:
            may[row.given_by, row.home_id] = await may_still(connection, row.given_by, row.home_id)
    taken = []
    for row in rows:
        now = clock.now()
        if row.expires_at <= now or row.id in overtaken:
            _end(row, Action.EXPIRE, "overtaken" if row.id in overtaken else "not_sent", now)
            continue
        found, way = known[row.entity_id], found_ways[row.home_id]
        publication = _prepared(way, found, row)
        allowed = row.given_by is None or may[row.given_by, row.home_id]
        reason = _why_not_now(row, found, allowed=allowed) or (None if publication else "not_possible")
        if reason is not None or publication is None:
            _end(row, Action.FAIL, reason, now)
            continue
        _move(row, Action.TAKE)
        row.send_at, row.fence, row.sending_at = None, clock.new_id(), now
        row.look_at, row.expected = now + rules.LEASE, dict(publication.expected)
        is_riskier = row.risk == "riskier"
        parcel = Parcel(row.id, row.home_id, found.key, row.fence, now, row.expires_at, publication, is_riskier)
        taken.append((parcel, way))
    await session.flush()
    return taken


async def settle(session: AsyncSession, outcomes: Mapping[uuid.UUID, tuple[Parcel, Action]]) -> None:
    """Write down what became of commands that were taken; what is in other hands by now is left to them."""
    fences = {command_id: parcel.fence for command_id, (parcel, _) in outcomes.items()}
    for row in await repository.held_by(session, fences):
        now, (_, action) = clock.now(), outcomes[row.id]
        if action == Action.HAND_OVER:
            row.sent_at = now
            _await_report(row, action, now)
            if rules.is_momentary(row.command, row.expected):
                _end(row, Action.REPORT, "handed_over", now)
            await _tell_others(session, row)
        elif action == Action.LOSE:
            await _lose(session, row, now)
        elif action == Action.FAIL:
            _end(row, action, "refused", now)
        elif action == Action.EXPIRE or row.expires_at <= now:
            _end(row, Action.EXPIRE, "not_sent", now)
        else:
            _queue(row, Action.PUT_BACK, now + rules.TRY_AGAIN)
    await session.flush()


async def confirm(session: AsyncSession, changes: Sequence[StateChange]) -> None:
    """Let those commands be done whose homes report so: by something that happened after they were sent."""
    heard: dict[uuid.UUID, dict[str, str | None]] = {}
    latest: dict[uuid.UUID, datetime] = {}
    for change in changes:
        if change.is_fresh and change.attribute != "availability":
            heard.setdefault(change.entity_id, {})[change.attribute] = change.new
            latest[change.entity_id] = max(change.at, latest.get(change.entity_id, change.at))
    if not heard:
        return
    awaited = await repository.awaited(session, list(heard))
    if not awaited:
        return
    stands = await repository.standing(session, list({row.entity_id for row in awaited}))
    done = [
        row.id
        for row in awaited
        if latest[row.entity_id] >= row.sending_at
        and rules.fits(row.expected, stands.get(row.entity_id, ({}, None))[0] | heard[row.entity_id])
    ]
    if done:
        await repository.confirm(session, done)


async def look(session: AsyncSession, command_ids: Sequence[uuid.UUID]) -> None:
    """See what became of commands whose moment has come: nobody confirmed, sent or reported them in time."""
    rows = await repository.lock(session, command_ids)
    stands = await repository.standing(session, list({row.entity_id for row in rows}))
    now = clock.now()
    for row in rows:
        match row.state:
            case "awaiting_confirmation":
                _end(row, Action.EXPIRE, "not_confirmed", now)
            case "queued":
                _end(row, Action.EXPIRE, "not_sent", now)
            case "sending" if rules.after_crash(_risk(row), row.expires_at, now) == Action.REPEAT:
                _queue(row, Action.REPEAT, now)
                wakeups.request(session, rules.WAKE)
            case "sending":
                await _lose(session, row, now)
            case _:
                _look_at_home(row, stands.get(row.entity_id), now)
    await session.flush()


def _look_at_home(row: HomeCommand, stands: tuple[dict[str, Any], datetime] | None, now: datetime) -> None:
    """Believe how the home stands, if as wished; otherwise wait as long as one waits for a door to move."""
    if stands is not None and row.expected and rules.fits(row.expected, stands[0]):
        was_heard = row.sending_at is not None and stands[1] >= row.sending_at
        _end(row, Action.REPORT, None if was_heard else "stood_so", now)
    elif row.report_by is None or row.report_by <= now:
        _end(row, Action.EXPIRE, "not_reported", now)
    else:
        row.look_at = row.report_by


def _risk(row: HomeCommand) -> rules.Risk:
    risk: Any = row.risk
    return risk  # type: ignore[no-any-return]  # a check constraint says so


def _why_not(found: Target) -> str | None:
    return rules.why_not(
        home_state=found.home_state,
        is_silent=found.is_silent,
        entity_state=found.entity_state,
        is_available=found.is_available,
    )


def _why_not_now(row: HomeCommand, found: Target, *, allowed: bool) -> str | None:
    """Return why a command that could be given cannot be sent any more."""
    if not allowed:
        return "no_longer_allowed"
    why_not = _why_not(found)
    if why_not is not None:
        return why_not
    is_now = rules.risk(found.thing, row.command, row.arguments, smoke=found.smoke)
    was_asked = row.confirmed_by is not None or row.is_agreed
    return "riskier_now" if is_now == "riskier" and not was_asked else None


def _understood(way: Way, found: Target, command: str, arguments: Mapping[str, Any]) -> Publication:
    if found.is_own_button:
        raise _not_known("unknown_command")
    try:
        return way.publication(found.component, found.config, command, arguments)
    except NotPossible as refusal:
        raise _not_known(refusal.code) from None


def _not_known(code: str) -> Malformed:
    field = "command" if code == "unknown_command" else "arguments"
    return Malformed(errors=[FieldError(f"/body/{field}", "the thing does not know this", code)])


def _prepared(way: Way, found: Target, row: HomeCommand) -> Publication | None:
    """Return what is sent, ``None`` if nothing can be: one odd description holds up nobody else's door."""
    try:
        return way.publication(found.component, found.config, row.command, row.arguments)
    except NotPossible:
        return None
    except Exception as error:  # noqa: BLE001
        log.error("home_command_not_prepared", command_id=str(row.id), error=failures.code_of(error))  # noqa: TRY400 - a traceback may hold data
        return None


def _move(row: HomeCommand, action: Action) -> None:
    state = rules.after(row.state, action)
    if state is None:
        raise ValueError(f"a command that is {row.state} cannot {action}")
    row.state = state


def _queue(row: HomeCommand, action: Action, at: datetime) -> None:
    _move(row, action)
    row.confirm_by = row.fence = None
    row.send_at, row.look_at = at, row.expires_at


def _await_report(row: HomeCommand, action: Action, now: datetime) -> None:
    _move(row, action)
    row.fence = None
    row.look_at, row.report_by = now + rules.LOOK_FIRST, now + rules.REPORT_WITHIN


def _end(row: HomeCommand, action: Action, reason: str | None, now: datetime) -> None:
    _move(row, action)
    row.confirm_by = row.send_at = row.fence = row.look_at = row.report_by = None
    row.reason, row.ended_at = reason, now


async def _lose(session: AsyncSession, row: HomeCommand, now: datetime) -> None:
    """Leave it open whether a command was sent: the home may say so. Whoever lives there hears of it as if it was."""
    _await_report(row, Action.LOSE, now)
    await _tell_others(session, row)


async def _tell_others(session: AsyncSession, row: HomeCommand) -> None:
    """Tell those who live there that somebody else did something riskier; of what they agreed to they know."""
    if row.risk != "riskier" or row.given_by is None:
        return
    living_there = {row.resident_id, *await repository.living_there(session, row.home_id)}
    accounts = await resident_accounts(await session.connection(), living_there)
    told = sorted(set(accounts.values()) - {row.given_by})
    if told:
        await send(
            session,
            DONE_BY_OTHER,
            told,
            community_id=row.community_id,
            dedupe_key=f"home_command:{row.id}",
            variables={"at": clock.now()},
            about=row.resident_id,
            data={"home_command_id": str(row.id), "home_id": str(row.home_id)},
        )


async def _enter(
    session: AsyncSession, actor: Actor, row: HomeCommand, action: str, details: Mapping[str, Any] | None
) -> None:
    await audit.record(
        session,
        actor,
        action,
        resident_id=row.resident_id,
        object_id=row.id,
        community_id=row.community_id,
        details=details,
    )
