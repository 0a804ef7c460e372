"""What the hub reads at a look: the facts, the lines of alarms and the notices committed since the last."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.event_tables import EventRecord
from app.core.tables import table_of
from app.core.trails import Trail, trail_of
from app.portal.live.topics import (
    SETTLED,
    Change,
    Changes,
    Fact,
    account_with_other_rights,
    alarm_change,
    attraction_change,
    change_of,
    check_in_change,
)
from eldercare.api import (
    ALARM_LINES,
    ALARM_ORIGIN,
    CHECK_IN_ORIGIN,
    residents_of_alarms,
    residents_of_check_ins,
)
from notifications.api import INBOX_ITEMS

_facts = table_of(EventRecord)
_FACTS: Final = trail_of(
    sa.select(_facts.c.name, _facts.c.aggregate_id, _facts.c.community_id, _facts.c.payload), _facts
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened: changes, the accounts and sessions whose rights may be others, the accounts with new notices."""

    changes: Changes
    other_rights: frozenset[uuid.UUID] = field(default_factory=frozenset)
    inboxes: frozenset[uuid.UUID] = field(default_factory=frozenset)
    is_all: bool = False


class Tracks:
    """Where the hub stands."""

    def __init__(self) -> None:
        self._facts, self._lines, self._items = Trail(_FACTS), Trail(ALARM_LINES), Trail(INBOX_ITEMS)
        self.begun = False
        self.is_whole = True
        """Whether everything that was passed was told: a look that failed halfway has passed what nobody heard of."""

    async def begin(self, connection: AsyncConnection) -> None:
        """Begin here."""
        for trail in (self._facts, self._lines, self._items):
            await trail.begin(connection)
        self.begun = True

    async def look(self, connection: AsyncConnection, accounts: Sequence[uuid.UUID]) -> Seen:
        """Return what was committed since the last look; of inboxes only if ``accounts`` are named.

        Where the look before failed halfway, ``is_all`` says that anything may have changed.
        """
        # Lines first: a right that is gone is in the facts, and is known of before anything that came after it.
        lines = await self._lines.read(connection)
        missed, self.is_whole = not self.is_whole, False
        facts = [_fact(row) for row in await self._facts.read(connection)]
        items = await self._items.read(connection, {"of_accounts": accounts}) if accounts else ()
        changes = dict.fromkeys(alarm_change(row.alarm_id, row.resident_id, row.community_id) for row in lines)
        changes |= dict.fromkeys(change for fact in facts if (change := change_of(fact)) is not None)
        changes |= dict.fromkeys(change for fact in facts if (change := attraction_change(fact)) is not None)
        changes |= dict.fromkeys(await _settled(connection, facts))
        self.is_whole = True
        return Seen(
            Changes(changes),
            frozenset(account for fact in facts for account in _others(fact)),
            frozenset(row.account_id for row in items),
            is_all=missed,
        )


def _fact(row: Any) -> Fact:
    return Fact(row.name, row.aggregate_id, row.community_id, row.payload)


def _others(fact: Fact) -> Iterable[uuid.UUID]:
    account = account_with_other_rights(fact)
    return () if account is None else (account, fact.aggregate_id)


async def _settled(connection: AsyncConnection, facts: Sequence[Fact]) -> list[Change]:
    """Return what became of alarms and check-ins by what became of their messages."""
    settled = [fact for fact in facts if fact.name == SETTLED]
    homes = {fact.aggregate_id: fact.community_id for fact in settled}
    of_alarms = {one.aggregate_id for one in settled if one.payload.get("origin_kind") == ALARM_ORIGIN}
    of_check_ins = {one.aggregate_id for one in settled if one.payload.get("origin_kind") == CHECK_IN_ORIGIN}
    found: list[Change] = []
    if of_alarms:
        residents = await residents_of_alarms(connection, of_alarms)
        found += [alarm_change(alarm, resident, homes[alarm]) for alarm, resident in residents.items()]
    if of_check_ins:
        whose = await residents_of_check_ins(connection, of_check_ins)
        found += [check_in_change(resident, homes[one]) for one, resident in whose.items()]
    return found
