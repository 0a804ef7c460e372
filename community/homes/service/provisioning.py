"""The broker is told which hubs it lets in, outside of any transaction, until it knows."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from app.broker.api import (
    EMBEDDED_USER,
    ControlRefused,
    DynamicSecurity,
    NotConnected,
    Unconfirmed,
    dynamic_security,
    embedded_directory,
    forget_kept,
    is_embedded,
    password_line,
    write_files,
)
from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import unseal
from app.core.settings import settings
from community.homes import repository, rules, views
from community.homes.models import HUB_KEY, Home

BATCH: Final = 50

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Intent:
    """What the broker is to know of a home; ``secret`` is empty where its hub is let in no more."""

    home_id: uuid.UUID
    key: str
    secret: str | None
    secret_at: datetime | None
    leased_until: datetime
    is_closed: bool


async def provision() -> int:
    """Tell the broker of what changed; return of how many homes it was told.

    What fails is tried again, later each time. Raises nothing the broker is at fault for.
    """
    intents = await _claimed()
    if not intents:
        return 0
    told = await _forgotten(await _told(intents))
    async with unit_of_work() as session:
        for one in told:
            await repository.done(session, one.home_id, told_of=one.secret_at, leased_until=one.leased_until)
    return len(told)


async def _told(intents: Sequence[_Intent]) -> Sequence[_Intent]:
    """Return those of which the broker knows now."""
    if is_embedded(settings()):
        await _write(embedded_directory(settings()), EMBEDDED_USER, None)
        return intents
    match settings().mqtt.provisioning:
        case "none":
            return intents
        case "files":
            return await _write_files(intents)
        case "dynsec":
            return await _tell(intents)


async def _forgotten(told: Sequence[_Intent]) -> Sequence[_Intent]:
    """Have the broker forget what it kept of those that are closed, now that their hubs can say nothing any more."""
    closed = [one for one in told if one.is_closed]
    if not closed or settings().mqtt.url is None:  # the demo's own broker keeps nothing
        return told
    try:
        await forget_kept([one.key for one in closed])
    except NotConnected:
        log.warning("broker_not_reached", homes=len(closed), error=NotConnected.__name__)
        return [one for one in told if not one.is_closed]
    return told


async def _claimed() -> list[_Intent]:
    async with unit_of_work() as session:
        homes = await repository.claim(session, BATCH)
        intents = [_intent(home) for home in homes]
        await repository.lease(session, [(one.home_id, one.leased_until) for one in intents])
        return intents


def _intent(home: Home) -> _Intent:
    until = clock.now() + rules.retry_after(home.provision_tries)
    secret = unseal(home.secret, HUB_KEY) if home.secret else None
    return _Intent(home.id, home.key, secret, home.secret_at, until, home.state == "closed")


async def _write_files(intents: Sequence[_Intent]) -> list[_Intent]:
    """Write the broker's files anew: they hold all homes, so all that was claimed is told of at once."""
    mqtt = settings().mqtt
    gateway, password = mqtt.login()
    if mqtt.files_directory is None or gateway is None:  # the settings refuse to start without
        return []
    await _write(mqtt.files_directory, gateway, password)
    return list(intents)


async def _write(directory: Path, gateway: str, password: str | None) -> None:
    async with unit_of_work() as session:
        await repository.take_turns(session)  # nobody writes over newer files with older ones
        lines = [password_line(gateway, password)] if password else []
        lines += await views.password_lines(await session.connection())
        await asyncio.to_thread(write_files, directory, gateway, lines)


async def _tell(intents: Sequence[_Intent]) -> list[_Intent]:
    """Tell the broker's dynamic security of each home; return those it knows of now."""
    told: list[_Intent] = []
    try:
        async with dynamic_security() as security:
            for one in intents:
                if await _is_told(security, one):
                    told.append(one)  # noqa: PERF401 - those told of before the line broke count
    except (NotConnected, Unconfirmed) as error:  # the others would fare no better now
        log.warning("broker_not_reached", homes=len(intents) - len(told), error=type(error).__name__)
    return told


async def _is_told(security: DynamicSecurity, one: _Intent) -> bool:
    try:
        if one.secret is not None:
            await security.ensure_home(one.key, one.secret)
        elif one.secret_at is None:  # a secret that was told and forgotten is known already
            await security.remove_home(one.key)
    except ControlRefused:
        log.warning("home_not_provisioned", home_id=str(one.home_id))
        return False
    return True
