"""Taking positions: understood one by one, stored once, judged before the answer is sent."""

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.sealing import seal
from app.identity.api import ResidenceEnded, ResidentSubject, residents_sharing
from eldercare.absences.rules import away_at
from eldercare.absences.views import times_away
from eldercare.safe_zones import repository
from eldercare.safe_zones.models import FIX_CONTEXT
from eldercare.safe_zones.problems import LocationNotShared
from eldercare.safe_zones.rules.geometry import Point
from eldercare.safe_zones.rules.identities import is_same_device, position_id
from eldercare.safe_zones.rules.silence import (
    CHARGED_BATTERY,
    LOOK_AGAIN,
    LOW_BATTERY,
    OLDEST_FIX,
    is_usable,
    look,
    refusal,
)
from eldercare.safe_zones.schemas import PositionGive, PositionsGive, PositionsTaken, RefusedPosition
from eldercare.safe_zones.service.forgetting import FORGET_EVERY
from eldercare.safe_zones.service.judging import Fix, Watch, judge_fixes, tells
from eldercare.safe_zones.service.watching import CHANNEL, is_battery_low
from eldercare.safe_zones.service.zones import SHARED_BY

_ONE: Final = TypeAdapter(PositionGive)
_SOURCE_KINDS: Final = {"account": "person", "client": "organization", "device": "device"}


@dataclass(slots=True)
class _Understood:
    """A batch of which each fix was looked at: those to keep by id, those that came twice, and what was refused."""

    fixes: dict[uuid.UUID, PositionGive]
    repeated: int
    refused: list[RefusedPosition]


async def take(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: PositionsGive) -> PositionsTaken:
    """Keep a batch of fixes and call people if they show that the resident has left a zone.

    A fix of the same device and instant is known already and changes nothing. Raises ``ResidenceEnded``, and
    ``LocationNotShared`` while nobody may see where the resident is: then nothing is kept.
    """
    if subject.state != "active":
        raise ResidenceEnded
    now = clock.now()
    understood = _understand(subject, actor, data, now)
    # The consent is read under the lock: whoever takes it back waits for us, and then deletes what we wrote.
    tracking = await repository.hold_tracking(session, subject)
    connection = await session.connection()
    if not await residents_sharing(connection, [subject.resident_id], SHARED_BY):
        raise LocationNotShared
    sealed = {identifier: _sealed(data.device, fix) for identifier, fix in understood.fixes.items()}
    source = (_SOURCE_KINDS.get(actor.kind, "person"), actor.id)
    stored = await repository.insert_positions(session, subject.resident_id, source, sealed)
    fresh = [_fix(one, understood.fixes[one]) for one in sorted(stored)]
    if fresh:
        zones = (await repository.active_zones(connection, [subject.resident_id])).get(subject.resident_id, [])
        away = await times_away(connection, [subject.resident_id], now - OLDEST_FIX)
        absent = away.get(subject.resident_id, [])
        watch = Watch.over(fresh, zones, absent)
        await judge_fixes(session, subject, watch, fresh, now)
        usable = next((fix.id for fix in reversed(fresh) if _is_usable(watch, fix, now)), None)
        await _move_on(session, tracking, watch, usable, fresh, understood.fixes)
    if subject.relation != "self":
        await audit.record(
            session, actor, "positions:record", resident_id=subject.resident_id, community_id=subject.community_id
        )
    return PositionsTaken(
        stored=len(stored),
        duplicates=len(sealed) - len(stored) + understood.repeated,
        refused=understood.refused,
    )


def _understand(subject: ResidentSubject, actor: Actor, data: PositionsGive, now: datetime) -> _Understood:
    understood = _Understood({}, 0, [])
    for index, given in enumerate(data.positions):
        try:
            fix = _ONE.validate_python(given)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(str(part) for part in fault["loc"])
            detail = f"{where}: {fault['msg']}" if where else fault["msg"]
            understood.refused.append(RefusedPosition(index=index, code="malformed", detail=detail))
            continue
        refused = refusal(fix.observed_at, now)
        if refused is not None:
            understood.refused.append(RefusedPosition(index=index, code=refused[0], detail=refused[1]))
            continue
        identifier = position_id(subject.resident_id, actor.id, data.device, fix.observed_at)
        understood.repeated += identifier in understood.fixes
        understood.fixes.setdefault(identifier, fix)
    return understood


def _sealed(device: str | None, fix: PositionGive) -> str:
    kept = {
        "latitude": fix.latitude,
        "longitude": fix.longitude,
        "accuracy": fix.accuracy,
        "battery": fix.battery,
        "source": fix.source,
        "device": device,
    }
    return seal(orjson.dumps(kept).decode(), FIX_CONTEXT)


def _fix(identifier: uuid.UUID, given: PositionGive) -> Fix:
    # Zero is what phones say that do not know (Android's Location.getAccuracy): it can be anywhere.
    accuracy = given.accuracy or math.inf
    return Fix(identifier, given.observed_at, Point(given.latitude, given.longitude), accuracy)


async def _move_on(
    session: AsyncSession,
    tracking: Any,
    watch: Watch,
    usable: uuid.UUID | None,
    fresh: Sequence[Fix],
    given: dict[uuid.UUID, PositionGive],
) -> None:
    """Move the deadline of silence on by the latest usable fix of the batch, and take note of the battery."""
    now, zones = clock.now(), watch.zones
    newest = fresh[-1].id
    last_usable = _later(tracking.last_usable_id, usable)
    battery, told_at, told_id = tracking.battery, tracking.battery_told_at, tracking.battery_told_id
    known = next(((fix.id, level) for fix in reversed(fresh) if (level := given[fix.id].battery) is not None), None)
    if known is not None and (tracking.last_position_id is None or newest > tracking.last_position_id):
        level_id, battery = known
        # Another device's battery says nothing of the one that people were told of.
        if told_id is None or is_same_device(told_id, level_id):
            if battery >= CHARGED_BATTERY:
                told_at, told_id = None, None
            elif battery <= LOW_BATTERY and told_at is None:
                told_id = level_id
    values = {
        "battery": battery,
        "battery_told_at": told_at,
        "battery_told_id": told_id,
        "last_position_id": _later(tracking.last_position_id, newest),
        "last_usable_id": last_usable,
        "forget_at": now + FORGET_EVERY,
        "watched_since": None,
        "silent_since": None,
        "look_at": None,
    }
    if zones and away_at(watch.absences, now):
        values["look_at"] = now + LOOK_AGAIN
    elif zones:
        since = tracking.watched_since or now
        usable_at = clock.instant_of(last_usable) if last_usable else None
        seen = look(now, [zone.watched() for zone in zones], usable_at, since)
        values |= {"watched_since": since, "look_at": seen.next_at}
        if seen.is_silent:
            values["silent_since"] = tracking.silent_since
        if (seen.is_silent and tracking.silent_since is None) or is_battery_low(seen, battery, told_at):
            values["look_at"] = now  # people are told by the queue, which knows of outages, and never forgets it
            wakeups.request(session, CHANNEL)
    await repository.move_on(session, tracking.id, values)


def _is_usable(watch: Watch, fix: Fix, now: datetime) -> bool:
    """Say whether a fix ends a silence; what a vague one tells takes longer to find out."""
    return is_usable(fix.accuracy, is_telling=False) or is_usable(fix.accuracy, is_telling=tells(watch, fix, now))


def _later(known: uuid.UUID | None, new: uuid.UUID | None) -> uuid.UUID | None:
    return max((one for one in (known, new) if one is not None), default=None)
