"""One list of what two packages tell: each is asked for a page from where it was left, and the pages are merged."""

import heapq
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core.paging import PageRequest, decode_cursor, encode_cursor
from app.core.problems import Forbidden, NotFound
from app.fhir.elements import Json
from app.fhir.registry import Found

_KIND: Final = "fhir.merged"
_OVER: Final = ""
"""Stands for the place in a list behind its last one."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A resource of a list: what the list is in order of, and the cursor of what follows on it."""

    order: Any
    cursor: str
    resource: Json


Source = Callable[[PageRequest], Awaitable[tuple[list[Placed], bool]]]
"""Returns a page of a list, and whether more follows."""


async def merged(sources: Sequence[Source], page: PageRequest, *, ascending: bool = False) -> Found:
    """Return a page of several lists in one order, all of which are in it.

    What the actor may not see of one is left out; raises ``NotFound`` or ``Forbidden`` where they may see none.
    """
    places: Sequence[str | None] = decode_cursor(_KIND, page.cursor) if page.cursor else [None] * len(sources)
    lists: list[tuple[list[Placed], bool]] = []
    refusals: list[NotFound | Forbidden] = []
    for source, at in zip(sources, places, strict=True):
        try:
            lists.append(([], False) if at == _OVER else await source(PageRequest(page.limit, at)))
        except (NotFound, Forbidden) as refusal:
            refusals.append(refusal)
            lists.append(([], False))
    if len(refusals) == len(sources):
        raise refusals[0]
    # Not sorted: each list stays in its own order, in which its cursors go on.
    in_order = heapq.merge(
        *([(one, number) for one in items] for number, (items, _) in enumerate(lists)),
        key=lambda placed: placed[0].order,
        reverse=not ascending,
    )
    shown = [placed for placed, _ in zip(in_order, range(page.limit), strict=False)]
    following = [_following(number, shown, lists[number], places[number]) for number in range(len(sources))]
    is_over = all(place == _OVER for place in following)
    return Found([one.resource for one, _ in shown], None if is_over else encode_cursor(_KIND, following))


def _following(
    number: int, shown: Sequence[tuple[Placed, int]], found: tuple[list[Placed], bool], before: str | None
) -> str | None:
    """Return where a list goes on after those of it that are shown."""
    items, is_more = found
    taken = [one for one, of in shown if of == number]
    if len(taken) == len(items) and not is_more:
        return _OVER
    return taken[-1].cursor if taken else before
