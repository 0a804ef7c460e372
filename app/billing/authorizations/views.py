"""The SQL that reads authorizations."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.authorizations.models import ACTION, ACTION_URL, AUTHORIZATIONS, CARD_PAYMENTS, CARD_REFUNDS
from app.billing.authorizations.problems import NothingToProve
from app.billing.authorizations.schemas import ActionNeeded, AuthorizationOfPayer, AuthorizationPublic, PaidForOther
from app.core.access import Actor
from app.core.audit import trace_each_binds, traced_each
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.core.statements import HotStatement
from app.identity.api import account_of

_a = AUTHORIZATIONS.c
# The last one of each: one that failed may have been followed by another.
_OF: Final = HotStatement(
    sa.select(AUTHORIZATIONS)
    .ext(distinct_on(_a.reference_id))
    .where(
        _a.reference_kind == sa.bindparam("reference_kind", type_=sa.Text),
        _a.reference_id == sa.any_(sa.bindparam("reference_ids", type_=ARRAY(sa.Uuid))),
    )
    .order_by(_a.reference_id, _a.id.desc())
)
# What somebody pays for others; of their own they see all of it elsewhere.
_PAID: Final = traced_each(
    sa.select(AUTHORIZATIONS)
    .where(
        _a.payer_account_id == sa.bindparam("account_id", type_=sa.Uuid),
        account_of(_a.resident_id) != _a.payer_account_id,
        after((_a.id,), ("after_id",), descending=True),
    )
    .order_by(_a.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer)),
    "charges:list",
)
_OWN: Final = (
    sa.select(AUTHORIZATIONS)
    .where(
        _a.payer_account_id == sa.bindparam("account_id", type_=sa.Uuid),
        _a.reference_id == sa.bindparam("reference_id", type_=sa.Uuid),
    )
    .order_by(_a.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_ACTION: Final = (
    sa.select(
        _a.state,
        *(CARD_PAYMENTS.c.gateway, CARD_PAYMENTS.c.amount, CARD_PAYMENTS.c.currency),
        *(CARD_PAYMENTS.c.action_secret, CARD_PAYMENTS.c.action_url),
    )
    .outerjoin(
        CARD_PAYMENTS,
        sa.and_(
            CARD_PAYMENTS.c.authorization_id == _a.id,
            CARD_PAYMENTS.c.state == sa.literal("requires_action", sa.Text),
            CARD_PAYMENTS.c.action_secret.is_not(None),
        ),
    )
    .where(
        _a.id == sa.bindparam("authorization_id", type_=sa.Uuid),
        _a.payer_account_id == sa.bindparam("account_id", type_=sa.Uuid),
    )
    .order_by(CARD_PAYMENTS.c.id)
    .limit(1)
)
_REFUNDS: Final = (
    sa.select(CARD_REFUNDS.c.state, sa.func.count().label("refunds"))
    .join_from(CARD_REFUNDS, CARD_PAYMENTS, CARD_PAYMENTS.c.id == CARD_REFUNDS.c.card_payment_id)
    .join(AUTHORIZATIONS, _a.id == CARD_PAYMENTS.c.authorization_id)
    .where(
        _a.reference_kind == sa.bindparam("reference_kind", type_=sa.Text),
        _a.reference_id == sa.any_(sa.bindparam("reference_ids", type_=ARRAY(sa.Uuid))),
        CARD_REFUNDS.c.created_at >= sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    )
    .group_by(CARD_REFUNDS.c.state)
)
_LIST: Final = "billing.paid_for_others"


async def paid_for_others(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[PaidForOther]:
    """Return a page of what somebody pays for others, the last first: never what is done, nor why; leaves a trace."""
    (last_id,) = decode_cursor(_LIST, page.cursor) if page.cursor else (None,)
    binds = {"account_id": actor.id, "after_id": uuid.UUID(last_id) if last_id else None, "limit": page.limit + 1}
    rows = (await connection.execute(_PAID, binds | trace_each_binds(actor, shown=page.limit))).all()
    items = [
        PaidForOther(
            id=row.id,
            resident_id=row.resident_id,
            category=row.category,
            service_at=row.service_at,
            state=row.state,
            amount=row.amount - row.subsidy_amount,
            currency=row.currency,
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_LIST, rows, page.limit, ("id",)))


async def own_promises(
    connection: AsyncConnection, actor: Actor, reference_id: uuid.UUID, limit: int
) -> Page[AuthorizationOfPayer]:
    """Return what somebody promised for one thing, the last first: there is one at a time, and few in all."""
    binds = {"account_id": actor.id, "reference_id": reference_id, "limit": limit}
    rows = await connection.execute(_OWN, binds)
    names = AuthorizationOfPayer.model_fields.keys() - {"amount"}
    items = [
        AuthorizationOfPayer(amount=row.amount - row.subsidy_amount, **{name: getattr(row, name) for name in names})
        for row in rows
    ]
    return Page(items=items, next=None)


async def action_needed(connection: AsyncConnection, actor: Actor, authorization_id: uuid.UUID) -> ActionNeeded:
    """Return what the payer is to prove; raises ``NotFound`` for everybody else, ``NothingToProve``."""
    binds = {"authorization_id": authorization_id, "account_id": actor.id}
    row = (await connection.execute(_ACTION, binds)).one_or_none()
    if row is None:
        raise NotFound
    if row.action_secret is None:
        raise NothingToProve(state=row.state)
    return ActionNeeded(
        gateway=row.gateway,
        client_secret=unseal(row.action_secret, ACTION),
        redirect_url=unseal(row.action_url, ACTION_URL) if row.action_url else None,
        amount=row.amount,
        currency=row.currency,
    )


async def authorizations_for(
    connection: AsyncConnection, reference_kind: str, reference_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, AuthorizationPublic]:
    """Return the last authorization of each thing, by what it is for; the caller knows who may see them."""
    binds = {"reference_kind": reference_kind, "reference_ids": sorted(reference_ids)}
    return {row.reference_id: authorization(row) for row in await _OF.rows(connection, binds)}


async def card_refunds_for(
    connection: AsyncConnection, reference_kind: str, reference_ids: Collection[uuid.UUID], since: datetime
) -> dict[str, int]:
    """Return how many refunds on cards there are for things since an instant, by how they stand at the bank."""
    binds = {"reference_kind": reference_kind, "reference_ids": sorted(reference_ids), "since": since}
    return {row.state: row.refunds for row in await connection.execute(_REFUNDS, binds)}


def authorization(row: Any) -> AuthorizationPublic:
    """Return an authorization as it is shown."""
    return AuthorizationPublic(**{name: getattr(row, name) for name in AuthorizationPublic.model_fields})
