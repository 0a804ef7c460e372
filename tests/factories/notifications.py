"""Rows of notifications, really committed: phones that can be pushed to, and a look at what became of deliveries."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.database import reading, unit_of_work
from app.core.sealing import blind_index, seal
from app.identity.installations.models import Installation
from app.identity.installations.service import TOKEN, WEB_PUSH
from app.identity.models import Account
from notifications.delivery.models import DELIVERIES
from notifications.outbox.models import OUTBOX


async def phone(
    of: Account,
    *,
    fid: str | None = None,
    token: str | None = None,
    web_push: dict[str, Any] | None = None,
    platform: str = "android",
    provider: str | None = "fcm",
) -> Installation:
    """Insert an installation of the app; without ``fid``, ``token`` and ``web_push`` it has a fid of its own."""
    if fid is None and token is None and web_push is None:
        fid = f"fid-{clock.new_id()}"
    row = Installation(
        account_id=of.id,
        client_id=fid or f"client-{clock.new_id()}",
        provider="webpush" if web_push else provider,
        web_push=seal(json.dumps(web_push), WEB_PUSH) if web_push else None,
        web_push_index=blind_index(WEB_PUSH, web_push["endpoint"]) if web_push else None,
        fid=fid,
        token=seal(token, TOKEN) if token else None,
        token_index=blind_index(TOKEN, token) if token else None,
        platform=platform,
        app_version="1.0.0",
        language=of.language,
        last_seen_at=clock.now(),
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def deliveries() -> Sequence[sa.Row[Any]]:
    """Return every delivery, the oldest first."""
    async with reading() as connection:
        return (await connection.execute(sa.select(DELIVERIES).order_by(DELIVERIES.c.id))).all()


async def outbox() -> Sequence[sa.Row[Any]]:
    """Return every message in the local twin's outbox, the oldest first."""
    async with reading() as connection:
        return (await connection.execute(sa.select(OUTBOX).order_by(OUTBOX.c.sent_at, OUTBOX.c.id))).all()
