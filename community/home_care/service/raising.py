"""Incidents begin once, go on when they begin again within minutes, get worse, and end."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from community.home_care import repository
from community.home_care.repository import Key
from community.home_care.rules.acts import RANK, Raise

AGAIN_AFTER: Final = timedelta(minutes=2)
"""What begins again within minutes is the same, and told again all the same: whoever closed it must hear of it. But
not as often as a detector flickers."""

BOUNCE: Final = timedelta(minutes=1)
"""Presses of a button that come sooner are one call; later ones are another, whatever became of the first."""

STILL_AFTER: Final = timedelta(hours=2)
"""So long after the last word a danger that is found on is told again, though nobody heard that it had ended."""

_NEVER_SAID_OVER: Final = ("sos", "fall")

# Of a fall no end may ever be said: the next one is another.
_AGAIN: Final = {"fall": AGAIN_AFTER, **dict.fromkeys(("smoke", "gas", "carbon_monoxide", "water"), STILL_AFTER)}
_NEVER: Final = timedelta.max


@dataclass(slots=True)
class _Plan:
    new: list[dict[str, Any]] = field(default_factory=list)
    reopened: list[uuid.UUID] = field(default_factory=list)
    worse: dict[uuid.UUID, Raise] = field(default_factory=dict)
    told: list[uuid.UUID] = field(default_factory=list)
    ended: list[Key] = field(default_factory=list)
    looked_at: set[uuid.UUID] = field(default_factory=set)


async def raise_all(session: AsyncSession, homes: Mapping[uuid.UUID, Any], raised: Mapping[Key, Raise]) -> None:
    """Begin the incidents, or let them join what goes on; ``homes`` are rows with resident and community."""
    if not raised:
        return
    at = max(one.at for one in raised.values())
    found = await repository.found(session, raised, at)
    plan = _Plan()
    for key, one in sorted(raised.items(), key=lambda item: item[0]):
        _add(plan, key, one, found.get(key), homes[key[0]])
    await _carry_out(session, plan, at)


def _add(plan: _Plan, key: Key, one: Raise, known: Any, home: Any) -> None:
    if known is not None and key[1] == "sos":
        if one.at - known.noticed_at < BOUNCE:
            return
        if known.state == "open":
            plan.ended.append(key)
        known = None
    if known is None:
        plan.new.append(_row(key, one, home))
        return
    if known.state != "open":
        plan.reopened.append(known.id)
        if one.at - known.told_at >= AGAIN_AFTER:
            plan.told.append(known.id)
        else:
            plan.looked_at.add(key[0])
    elif one.at - known.told_at >= _AGAIN.get(one.kind, _NEVER):
        plan.told.append(known.id)
    if RANK[one.severity] > RANK[known.severity]:
        plan.worse[known.id] = one
        plan.told.append(known.id)


def _row(key: Key, one: Raise, home: Any) -> dict[str, Any]:
    return {
        "home_id": key[0],
        "resident_id": home.resident_id,
        "community_id": home.community_id,
        "kind": one.kind,
        "entity_id": one.entity_id,
        "source_id": key[2],
        "severity": one.severity,
        "is_hint": one.is_hint,
        "noticed_at": one.at,
        "told_at": one.at,
        "explanation": one.explanation,
    }


async def _carry_out(session: AsyncSession, plan: _Plan, at: datetime) -> None:
    if plan.ended:
        await repository.settle(session, plan.ended, at, silently=True)
    told = list(plan.told)
    if plan.new:
        told += await repository.add(session, plan.new)
    if plan.reopened:
        await repository.reopen(session, plan.reopened, at)
    if plan.worse:
        await repository.worsen(session, plan.worse, at)
    if told:
        await repository.tell(session, list(dict.fromkeys(told)), at)
    if plan.looked_at:
        await repository.look_by(session, plan.looked_at, at + AGAIN_AFTER)


async def tell_of_what_stays(session: AsyncSession, home_ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Tell of what began again too soon to be told, and goes on: it does not flicker."""
    untold = await repository.untold(session, home_ids, now - AGAIN_AFTER)
    if untold:
        await repository.tell(session, untold, now)


async def settle_all(session: AsyncSession, keys: Sequence[Key], at: datetime) -> None:
    """End incidents; of a call for help and of a fall nothing is said to be over: buttons and pendants reset alone."""
    spoken = [key for key in keys if key[1] not in _NEVER_SAID_OVER]
    silent = [key for key in keys if key[1] in _NEVER_SAID_OVER]
    if spoken:
        await repository.settle(session, spoken, at)
    if silent:
        await repository.settle(session, silent, at, silently=True)
