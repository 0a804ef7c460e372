"""Putting a panel on a wall and taking it off, hearing what is pressed there, and keeping what it shows true."""

import secrets
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import NotFound
from app.home_assistant.api import ONLINE, panel
from app.identity.api import ResidentSubject, languages
from community.home_events import HomePanelPressed, HomePanelStale
from community.home_panels import repository, rules
from community.home_panels.access import require_agreeing, require_place
from community.home_panels.models import HomePanel
from community.home_panels.problems import HomeNotConnected
from community.home_panels.rules import Thing
from community.home_panels.schemas import Ahead, Heard, Sheet

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_SOFTWARE: Final = "1"


async def put_up(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, home_id: uuid.UUID, shows: Sequence[Thing]
) -> HomePanel:
    """Show of a resident in their home what they want shown, and nothing else; return the panel.

    Raises ``NotFound`` if they do not live there, ``OnlyTheirOwn`` for more than they agreed to, ``HomeNotConnected``.
    """
    connection, resident_id = await session.connection(), subject.resident_id
    home_state = await require_place(connection, resident_id, home_id)
    row = await repository.lock_one(session, home_id, resident_id)
    agreed = row.shows if row is not None and row.state == "shown" else []
    if not set(shows) <= set(agreed):
        await require_agreeing(connection, actor, resident_id)
    if home_state != "active":
        raise HomeNotConnected(home_state=home_state)
    spoken = await languages(connection, [subject.account_id])
    language = spoken.get(subject.account_id, "en")
    if row is None:
        row = HomePanel(
            community_id=subject.community_id,
            home_id=home_id,
            resident_id=resident_id,
            key="".join(secrets.choice(_ALPHABET) for _ in range(16)),
            language=language,
            wanted_version=0,
        )
        session.add(row)
    row.language, row.state, row.shows, row.is_announced = language, "shown", list(shows), False
    row.wanted = {name: payload for name, payload in row.wanted.items() if name in shows}
    _want(session, row)
    await session.flush()
    await emit(session, _stale(row))
    await _enter(session, actor, row, "home_panel:put_up", {"shows": list(shows)})
    return row


async def take_down(session: AsyncSession, actor: Actor, subject: ResidentSubject, home_id: uuid.UUID) -> None:
    """Take a resident's panel off the wall; raises ``NotFound`` if there is none."""
    row = await repository.lock_one(session, home_id, subject.resident_id)
    if row is None:
        raise NotFound
    _leave(session, row)
    await session.flush()
    await _enter(session, actor, row, "home_panel:take_down", {})


async def forget_panels(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Take the panels of somebody who is being erased off all walls: each is forgotten once it is gone."""
    for row in await repository.lock_all_of(session, resident_id):
        if row.state == "gone":
            await session.delete(row)
        _leave(session, row)
    await session.flush()


async def clear(session: AsyncSession, most: int) -> int:
    """Take panels off the walls of homes that are closed, or where somebody no longer agrees; return how many."""
    rows = await repository.lock_homeless(session, most)
    for row in rows:
        _leave(session, row)
    await session.flush()
    return len(rows)


async def take_presses(session: AsyncSession, heard: Sequence[Heard]) -> None:
    """Hear what is pressed on panels, and of hubs that have started anew and must be told of them again.

    Only what is said now counts: what a broker kept says what was pressed once.
    """
    now_said = [one for one in heard if not one.is_retained and one.home.state == "active"]
    born = {
        one.home.id
        for one in now_said
        if one.topic == f"{one.home.discovery_prefix}/status" and one.payload == rules.BORN
    }
    if born:
        await repository.announce_again(session, sorted(born))
        wakeups.request(session, rules.WAKE)
    found = [(one, rules.pressed(one.topic)) for one in now_said if one.payload == rules.PRESS]
    presses = [(one, *what) for one, what in found if what is not None]
    if not presses:
        return
    panels = await repository.lock_by_key(session, {key for _, key, _ in presses})
    for one, key, button in presses:
        row = panels.get(key)
        # An SOS counts although the button was to be gone: somebody found it and pressed it.
        if row is None or row.home_id != one.home.id or row.state == "gone":
            continue
        if button == "sos" or (row.state == "shown" and button in row.shows):
            await _press(session, row, button, one)


async def _press(session: AsyncSession, row: HomePanel, button: rules.Button, one: Heard) -> None:
    last = row.sos_pressed_at if button == "sos" else row.fine_pressed_at
    if not rules.is_new_press(last, one.received_at, is_repeated=one.is_repeated):
        return
    if button == "sos":
        row.sos_pressed_at = one.received_at
    else:
        row.fine_pressed_at = one.received_at
    await emit(
        session,
        HomePanelPressed(
            occurred_at=one.received_at,
            aggregate_id=row.id,
            community_id=row.community_id,
            resident_id=row.resident_id,
            home_id=row.home_id,
            button=button,
        ),
    )


async def show(session: AsyncSession, ahead: Mapping[uuid.UUID, Ahead]) -> None:
    """Let the panels of residents show what there is of them, as far as they agreed to."""
    for row in await repository.lock_of_residents(session, ahead):
        what = ahead[row.resident_id]
        wanted = rules.payloads(row.shows, alarm=what.alarm, dose=what.dose, visit=what.visit)
        row.look_at = rules.look_at(row.shows, clock.now(), dose=what.dose, visit=what.visit)
        if wanted != row.wanted:
            row.wanted = wanted
            _want(session, row)
    await session.flush()


async def renew(session: AsyncSession, panel_ids: Sequence[uuid.UUID]) -> None:
    """Ask what panels are to show now that what they showed as the next is over."""
    for row in await repository.lock(session, panel_ids):
        row.look_at = None
        await emit(session, _stale(row))


async def take_up(session: AsyncSession, panel_ids: Sequence[uuid.UUID]) -> list[Sheet]:
    """Return what is to be published of panels, and lease them: whoever does not live to say so is followed by others.

    To publish the same once more harms nobody: it is what is kept.
    """
    rows = await repository.lock(session, panel_ids)
    homes = await repository.homes(session, list({row.home_id for row in rows}))
    sheets = []
    for row in rows:
        row.publish_at = clock.now() + rules.LEASE
        home = homes[row.home_id]
        sheets.append(_sheet(row, home.key, home.addressing, home.discovery_prefix))
    await session.flush()
    return sheets


async def published(session: AsyncSession, sheets: Mapping[uuid.UUID, Sheet]) -> None:
    """Write down what was published; what changed meanwhile is published next."""
    for row in await repository.lock(session, sheets):
        sheet = sheets[row.id]
        if row.wanted_version != sheet.version:
            row.publish_at = clock.now()
            wakeups.request(session, rules.WAKE)
            continue
        row.published_version, row.publish_at = sheet.version, None
        row.is_announced = not sheet.is_leaving
        if sheet.is_leaving:
            row.state = "gone"
            if not row.shows:  # it never showed anything, or whose it was has been erased
                await session.delete(row)
    await session.flush()


async def put_off(session: AsyncSession, panel_ids: Sequence[uuid.UUID]) -> None:
    """Have panels published a little later: the broker cannot be reached."""
    for row in await repository.lock(session, panel_ids):
        row.publish_at = clock.now() + rules.TRY_AGAIN
    await session.flush()


def _sheet(row: HomePanel, key: str, addressing: str, discovery_prefix: str) -> Sheet:
    prefix = f"homes/{key}/"
    made = panel(
        row.key,
        rules.names(row.language),
        software=_SOFTWARE,
        discovery_prefix=discovery_prefix,
        within=prefix if addressing == "direct" else "",
        with_message=False,
    )
    is_leaving = row.state != "shown"
    messages = []
    if not row.is_announced:
        config = b"" if is_leaving else rules.announcement(made, row.shows)
        messages = [(made.topic, config), (made.availability, b"" if is_leaving else ONLINE.encode())]
    for name, topic in made.states.items():
        payload = "" if is_leaving else row.wanted.get(name, "")
        if payload or not row.is_announced:
            messages.append((topic, payload.encode()))
    return Sheet(
        row.id, row.wanted_version, is_leaving, tuple((f"{prefix}{topic}", payload) for topic, payload in messages)
    )


def _want(session: AsyncSession, row: HomePanel) -> None:
    row.wanted_version += 1
    row.publish_at = clock.now()
    wakeups.request(session, rules.WAKE)


def _leave(session: AsyncSession, row: HomePanel) -> None:
    if row.state != "shown":
        return
    row.state, row.is_announced, row.look_at, row.wanted = "leaving", False, None, {}
    _want(session, row)


def _stale(row: HomePanel) -> HomePanelStale:
    return HomePanelStale(aggregate_id=row.id, community_id=row.community_id, resident_id=row.resident_id)


async def _enter(
    session: AsyncSession, actor: Actor, row: HomePanel, action: str, details: Mapping[str, object]
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
