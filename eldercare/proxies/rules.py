"""What may become of a proxy, and who may propose and check one: pure decisions."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal

Relation = Literal["self", "granted", "staff"]
State = Literal["proposed", "in_force", "refused", "revoked"]
Basis = Literal["power_of_attorney", "court_order", "guardianship", "next_of_kin", "own_wish"]

TRANSITIONS: Final[Mapping[str, tuple[frozenset[str], State]]] = {
    "accept": (frozenset({"proposed"}), "in_force"),
    "refuse": (frozenset({"proposed"}), "refused"),
    "revoke": (frozenset({"in_force"}), "revoked"),
    "withdraw": (frozenset({"proposed"}), "refused"),
}

LONGEST: Final = timedelta(days=366 * 10)


def may_propose(relation: Relation, proposer: uuid.UUID, account_id: uuid.UUID, *, is_proxy: bool = False) -> bool:
    """Say whether somebody may propose a proxy: a relative only themselves, the resident and staff anybody else.

    Who is one already proposes nobody: neither another nor more for themselves.
    """
    if is_proxy:
        return False
    return proposer == account_id if relation == "granted" else proposer != account_id


def may_check(checker: uuid.UUID, proposed_by: uuid.UUID, account_id: uuid.UUID) -> bool:
    """Say whether somebody may check a proxy: neither who proposed it nor who would act."""
    return checker not in (proposed_by, account_id)


def may_end(relation: Relation, ender: uuid.UUID, account_id: uuid.UUID) -> bool:
    """Say whether somebody who manages grants may end or refuse a proxy: who acts by a grant only their own."""
    return relation != "granted" or ender == account_id
