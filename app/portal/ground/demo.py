"""Who lives and works in the demo for visitors' sake, known by their numbers, and what they may let happen there."""

from typing import Final

from app.portal.ground.visits import Visit

GUIDE: Final = "+12025550100"
"""The resident to whom things happen that visitors want to see."""
WORKER: Final = "+12135550121"
"""Who comes to clean, at any hour."""
FACES: Final = (
    ("resident", GUIDE),
    ("family", "+12025550101"),
    ("carer", "+12135550111"),
    ("desk", "+12135550101"),
    ("doctor", "+12135550106"),
    ("reception", "+12135550105"),
    ("provider", "+12135550107"),
    ("worker", WORKER),
    ("attraction", "+12135550108"),
    ("gate", "+12135550109"),
    ("operator", "+12135550100"),
)
"""Whom a visitor signs in as to see each face of the portal: the key of its words, the number."""


def acts(visit: Visit) -> tuple[str, ...]:
    """Return what a visitor of the demo may let happen: the keys of its words, and of its address."""
    if visit.is_viewing_as:
        return ()
    if visit.actor.resident_id is not None:
        return ("ask", "dose", "clean", "doctor", "fall")
    if visit.holds("coordinator", "clinician", organization_kind="clinic"):
        return ("doctor",)
    elsewhere = ("provider", "attraction", "clinic")
    return () if any(held.organization_kind in elsewhere for held in visit.actor.memberships) else ("fall",)
