"""The answer that stays open: an event stream without a task of its own, written to by the hub."""

import asyncio
import contextlib
import random
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.core import clock, live
from app.core.handing_over import handover_of
from app.core.problems import Problem, Unavailable
from app.identity.api import BrowserVisitor, present
from app.portal.live.hub import hub
from app.portal.live.listeners import Listener, event

RETRY_MILLISECONDS: Final = (1_000, 4_000)
"""After which a browser comes back: not all at once when a process was replaced."""
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
_FAREWELL_SECONDS: Final = 5.0


class Nudges(Response):
    """Nudges for whoever is signed in, until they go, are signed out, or the process is to stop."""

    media_type = "text/event-stream"

    def __init__(self, who: BrowserVisitor) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._who = who

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin the stream; the rest is told past all layers, where that can be."""
        handover = handover_of(scope)
        try:
            line = await _Line.joined(self._who, send if handover is None else handover.send)
        except Problem as refusal:
            await refusal.response(scope["path"])(scope, receive, send)
            return
        try:
            # From here on nothing is missed: whoever hears this fetches what they have missed until now.
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            retry = random.randint(*RETRY_MILLISECONDS)  # noqa: S311 - spreads reconnects
            await send(
                {"type": "http.response.body", "body": b"retry: %d\n" % retry + event("ready", ()), "more_body": True}
            )
        except BaseException:
            line.close()
            raise
        if handover is None:
            await line.follow(receive, send)
        else:
            handover.leave(line.follow, line.close)


class _Line:
    """What stays of a request while its page is open."""

    __slots__ = ("_counted", "_listener")

    def __init__(self, listener: Listener, counted: live.Counted) -> None:
        self._listener, self._counted = listener, counted

    @classmethod
    async def joined(cls, who: BrowserVisitor, send: Send) -> "_Line":
        """Return the line of somebody who listens from now on; raises ``TooManyRequests`` and ``Unavailable``."""
        listener = Listener(
            who.actor.id,
            (who.actor.id, who.account_id, who.session_id),
            lambda one: present(one, who, clock.now()),
            send,
        )
        counted = live.page_of(who.account_id)
        counted.__enter__()
        try:
            await hub.join(listener)
        except BaseException as error:
            counted.__exit__()
            if isinstance(error, TimeoutError):
                raise Unavailable from None
            raise
        return cls(listener, counted)

    def close(self) -> None:
        """Listen no more."""
        hub.leave(self._listener)
        self._counted.__exit__()

    async def follow(self, receive: Receive, send: Send) -> None:
        """Stay until the reader has gone, or the listener has ended."""
        try:
            if not live.ending():
                await _until_gone(self._listener, receive)
        finally:
            self.close()
        # Whoever takes nothing in is not waited for: the server closes the line.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(listener: Listener, receive: Receive) -> None:
    """Wait until the reader has gone, or the listener has ended."""
    line = asyncio.current_task()
    listener.open(line)
    try:
        while not listener.has_ended and (await receive())["type"] != "http.disconnect":
            pass
    except asyncio.CancelledError:
        if line is None or not listener.has_ended or line.uncancel():
            raise
