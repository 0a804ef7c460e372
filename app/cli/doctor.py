"""The examination of an installation: each finding says in one line what is wrong and how to mend it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from app import assembly, migrations
from app.core import lag
from app.core.database import reading
from app.core.keys import BadKey, keys
from app.core.runtime import running
from app.core.settings import Settings

MINIMUM_POSTGRESQL = 150000
WORRYING_LAG = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    fine: bool
    says: str
    mend: str = ""


async def examine(settings: Settings) -> list[Finding]:
    """Return what was found, best first cause first: without a database the rest is not asked."""
    findings = [_keys(), _providers(settings)]
    try:
        assembly.install()
        async with running(settings):
            findings.extend([await look() for look in _DATABASE_LOOKS])
    except Exception as error:  # noqa: BLE001 - whatever keeps us from connecting is the finding
        where = "the embedded PostgreSQL" if settings.database.url is None else "HEARTHLINE_DATABASE_URL"
        findings.append(
            Finding(
                "database", False, f"cannot connect ({type(error).__name__})", f"check {where} and that it is running"
            )
        )
    return findings


def _keys() -> Finding:
    try:
        ring = keys()
    except BadKey as error:
        return Finding("keys", False, str(error), "openssl rand -base64 32 makes a key")
    return Finding("keys", True, f"{len(ring.sealing)} sealing key(s), new values under {ring.active}")


def _providers(settings: Settings) -> Finding:
    if settings.push.provider == "fcm" and not (
        settings.push.fcm_credentials and settings.push.fcm_credentials.exists()
    ):
        return Finding("push", False, "no service account file", "set HEARTHLINE_PUSH_FCM_CREDENTIALS to its path")
    if settings.environment == "production" and settings.push.provider == "local":
        return Finding("push", False, "pushes only reach the outbox page", "set HEARTHLINE_PUSH_PROVIDER=fcm")
    return Finding("push", True, f"leaves through {settings.push.provider}")


async def _server() -> Finding:
    async with reading() as connection:
        number = int(await connection.scalar(sa.text("SELECT current_setting('server_version_num')")) or 0)
    version = f"PostgreSQL {number // 10000}"
    if number < MINIMUM_POSTGRESQL:
        return Finding("database", False, version, "use PostgreSQL 15 or newer")
    return Finding("database", True, version)


async def _migrations() -> Finding:
    config = Config()
    config.set_main_option("script_location", str(migrations.LOCATION))
    newest = ScriptDirectory.from_config(config).get_current_head()
    async with reading() as connection:
        exists = await connection.scalar(sa.text("SELECT to_regclass('alembic_version') IS NOT NULL"))
        current = await connection.scalar(sa.text("SELECT version_num FROM alembic_version")) if exists else None
    if current != newest:
        return Finding("migrations", False, f"at {current}, newest is {newest}", "hearthline migrate")
    return Finding("migrations", True, f"at {current}")


async def _lag() -> Finding:
    async with reading() as connection:
        behind = await lag.worst(connection)
    if behind > WORRYING_LAG:
        return Finding("worker", False, f"{behind} behind", "start a worker: hearthline worker")
    return Finding("worker", True, "nothing is late")


_DATABASE_LOOKS: tuple[Callable[[], Awaitable[Finding]], ...] = (_server, _migrations, _lag)
