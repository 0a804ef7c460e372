"""Who may give which grant: pure decisions, so that nobody widens their own rights."""

import uuid
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Literal

from app.identity.scopes import GRANTABLE, PROXY

GrantKind = Literal["consent", "proxy", "break_glass"]
GivenKind = Literal["consent", "proxy"]


def grantable(kind: GivenKind) -> frozenset[str]:
    """Return what a grant of ``kind`` may contain: a proxy may also keep the profile and give consents."""
    return PROXY if kind == "proxy" else GRANTABLE


def widens(
    scopes: AbstractSet[str], expires_at: datetime | None, before: AbstractSet[str], expired_at: datetime | None
) -> bool:
    """Say whether a grant that contained ``before`` until ``expired_at`` (``None``: for good) would allow more."""
    is_longer = expired_at is not None and (expires_at is None or expires_at > expired_at)
    return is_longer or not scopes <= before


def refusal(
    kind: GivenKind,
    scopes: AbstractSet[str],
    *,
    giver: Literal["self", "granted", "staff"],
    giver_account_id: uuid.UUID,
    grantee_account_id: uuid.UUID,
    resident_account_id: uuid.UUID,
    giver_holds: AbstractSet[str],
) -> str | None:
    """Return why this grant must not be given, or ``None`` if it may.

    Nobody grants to themselves. A proxy passes on at most what it holds, and only as consent.
    """
    if grantee_account_id == resident_account_id:
        return "a resident needs no grant of their own"
    if grantee_account_id == giver_account_id:
        return "nobody grants rights to themselves"
    if giver == "granted":
        if kind == "proxy":
            return "only the resident or the operator appoints a proxy"
        if not scopes <= giver_holds:
            return "a proxy passes on at most what it holds"
    return None


def may_end(
    kind: GrantKind, *, ender: Literal["self", "granted", "staff"], ender_account_id: uuid.UUID, holder_id: uuid.UUID
) -> bool:
    """Say whether somebody may end a grant: of a proxy's only the resident, the operator and that proxy themselves.

    Two who act for the same resident do not decide on each other.
    """
    return kind != "proxy" or ender != "granted" or ender_account_id == holder_id
