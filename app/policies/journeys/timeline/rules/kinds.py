"""What a resident's timeline is made of: the kinds of its items, and the right each of them needs."""

from collections.abc import Collection, Mapping
from typing import Final, Literal, get_args

from app.core.timelines import Part
from eldercare import api as eldercare
from telemedicine import api as telemedicine

Kind = Literal[eldercare.TimelineKind, telemedicine.TimelineKind]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

PARTS: Final = (eldercare.TIMELINE, telemedicine.TIMELINE)
"""What each domain has in a timeline."""

PART_OF: Final[Mapping[str, Part]] = {kind: part for part in PARTS for kind in part.scope_of}
SCOPE_OF: Final[Mapping[str, str]] = {kind: part.scope_of[kind] for kind, part in PART_OF.items()}

SCOPES: Final[tuple[str, ...]] = tuple(dict.fromkeys(SCOPE_OF.values()))
"""The rights any of which lets somebody read a timeline."""


def shown_kinds(held: Collection[str], wanted: Collection[Kind] | None) -> list[Kind]:
    """Return the kinds a reader with the rights ``held`` sees, of those they want (default: all)."""
    return [kind for kind in KINDS if SCOPE_OF[kind] in held and (wanted is None or kind in wanted)]
