"""Answers that stay open for hours, told past the layers of their request.

Whoever begins such an answer has been let in, counted and given headers by every layer there is; from then on nothing
passes through them any more. What they hold for the request (some 25 coroutines, three stacks, the request itself) is
let go, and an open page is left with its socket, one task, and what it is about.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

_SEAT: Final = "hearthline_handover"

Rest = Callable[[Receive, Send], Awaitable[None]]
"""Tells the rest of an answer that was begun."""


class Handover:
    """Where a request leaves the rest of its answer to whoever serves it outside of all layers."""

    __slots__ = ("_given_up", "_rest", "send")

    def __init__(self, send: Send) -> None:
        self.send = send
        """Says something on the line itself."""
        self._rest: Rest | None = None
        self._given_up: Callable[[], None] | None = None

    def leave(self, rest: Rest, given_up: Callable[[], None]) -> None:
        """Have ``rest`` told once the layers have returned; ``given_up`` is called if they fail before."""
        self._rest, self._given_up = rest, given_up

    def take(self) -> Rest | None:
        """Return what was left, once."""
        rest, self._rest, self._given_up = self._rest, None, None
        return rest

    def give_up(self) -> None:
        """Forget what was left."""
        given_up, self._rest, self._given_up = self._given_up, None, None
        if given_up is not None:
            given_up()


def handover_of(scope: Scope) -> Handover | None:
    """Return where a request may leave the rest of its answer; ``None`` if nobody would take it."""
    handover: Handover | None = scope.get(_SEAT)
    return handover


class HandingOver:
    """The outermost layer: it serves a request by all the others, and then by itself what they left."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        brought = tuple(scope)
        scope[_SEAT] = handover = Handover(send)
        try:
            await self._app(scope, receive, send)
        except BaseException:
            handover.give_up()
            raise
        rest = handover.take()
        if rest is not None:
            _let_go(scope, brought)
            del brought, handover
            await rest(receive, send)


def _let_go(scope: Scope, brought: Iterable[str]) -> None:
    """Forget what was made for the request; emptied, the mapping gives back its room as well."""
    kept = {name: scope[name] for name in brought}
    scope.clear()
    scope.update(kept)
