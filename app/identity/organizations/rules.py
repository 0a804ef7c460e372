"""Which roles there are in which kinds of organizations, and what an agreement may contain."""

from collections.abc import Iterable
from typing import Final

from app.identity.scopes import ALL, CLINICS_ALONE

ROLES: Final[dict[str, frozenset[str]]] = {
    "operator": frozenset({"operator", "dispatcher", "coordinator"}),
    "care_agency": frozenset({"coordinator", "carer", "dispatcher"}),
    "clinic": frozenset({"coordinator", "clinician"}),
    "provider": frozenset({"coordinator", "worker"}),
    "attraction": frozenset({"coordinator", "worker"}),
}
"""Kinds of organizations → the roles people can have in them."""


def check_role(kind: str, role: str) -> str:
    """Return ``role``; raises ``ValueError`` if an organization of ``kind`` has no such role."""
    if role not in ROLES[kind]:
        raise ValueError(f"an organization of kind {kind} has the roles: {', '.join(sorted(ROLES[kind]))}")
    return role


def check_scopes(scopes: Iterable[str]) -> list[str]:
    """Return the data categories of an agreement, sorted; raises ``ValueError`` for one that does not exist."""
    wanted = set(scopes)
    if unknown := sorted(wanted - ALL):
        raise ValueError(f"there are no such scopes: {', '.join(unknown)}")
    return sorted(wanted)


def unfitting(kind: str, scopes: Iterable[str]) -> list[str]:
    """Return those of ``scopes`` that no agreement with an organization of this kind can give."""
    return [] if kind == "clinic" else sorted(CLINICS_ALONE & set(scopes))
