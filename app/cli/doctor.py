"""The examination of an installation: each finding says in one line what is wrong and how to mend it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from app import assembly, migrations
from app.broker import api as broker
from app.core import lag, vapid
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
    """Return what was found. In the database the first cause ends the search: what follows from it is not asked."""
    findings = [_keys(), _sign_in(settings), _push(settings), _web_push(settings), _mail(settings)]
    findings.append(await _broker(settings))
    findings += [_phone(settings, "sms", "text messages"), _phone(settings, "voice", "calls")]
    try:
        assembly.install()
        async with running(settings):
            for look in _DATABASE_LOOKS:
                findings.append(await look())
                if not findings[-1].fine:
                    break
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


def _sign_in(settings: Settings) -> Finding:
    chosen = settings.signin
    credentials = chosen.firebase_credentials
    if "firebase" in chosen.methods and not (credentials and credentials.exists()):
        mend = "set HEARTHLINE_SIGNIN_FIREBASE_CREDENTIALS to its path"
        return Finding("sign-in", False, "no service account file of Firebase", mend)
    if "oidc" in chosen.methods and not chosen.oidc_issuers:
        return Finding("sign-in", False, "no issuer of OIDC", "set HEARTHLINE_SIGNIN_OIDC_ISSUERS")
    return Finding("sign-in", True, f"by {' and '.join(chosen.methods)}")


def _push(settings: Settings) -> Finding:
    push = settings.push
    if "fcm" in push.providers and not (push.fcm_credentials and push.fcm_credentials.exists()):
        return Finding("push", False, "no service account file", "set HEARTHLINE_PUSH_FCM_CREDENTIALS to its path")
    if settings.environment == "production" and "local" in push.providers:
        return Finding("push", False, "pushes reach nobody", "set HEARTHLINE_PUSH_PROVIDERS, see docs/providers.md")
    return Finding("push", True, f"leaves through {' and '.join(push.providers)}")


def _web_push(settings: Settings) -> Finding:
    if "webpush" not in settings.push.providers:
        return Finding("Web Push", True, "is not offered")
    return Finding("Web Push", True, f"subscriptions are made for {vapid.public_key()}")


def _mail(settings: Settings) -> Finding:
    if settings.messages.mail == "smtp":
        try:
            settings.smtp.tls_context()
        except ValueError as error:
            return Finding("mail", False, str(error), "give it the path of a readable file in PEM format")
        return Finding("mail", True, f"leaves through {settings.smtp.host}")
    if settings.environment == "production":
        return Finding("mail", False, "mail reaches nobody", "set HEARTHLINE_MESSAGES_MAIL=smtp, see docs/providers.md")
    return Finding("mail", True, "is shown on the outbox page")


def _phone(settings: Settings, channel: Literal["sms", "voice"], what: str) -> Finding:
    provider = getattr(settings.messages, channel)
    if provider == "local" and settings.environment == "production":
        mend = f"set HEARTHLINE_MESSAGES_{channel.upper()}=twilio, see docs/providers.md"
        return Finding(channel, False, f"{what} reach nobody", mend)
    return Finding(
        channel, True, "is shown on the outbox page" if provider == "local" else f"leaves through {provider}"
    )


async def _broker(settings: Settings) -> Finding:
    if not broker.is_wanted(settings):
        return Finding("broker", True, "none: no smart homes")
    refused = await broker.knock(settings)
    if refused is None:
        return Finding("broker", True, "lets us in")
    if broker.is_embedded(settings):
        return Finding("broker", True, "the demo's own, which does not run at the moment")
    return Finding("broker", False, refused, "check HEARTHLINE_MQTT_URL, _USERNAME, _PASSWORD and _CA_FILE")


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
