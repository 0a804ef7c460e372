"""The line of a video visit: one WebSocket per page, over which it hears who is there and reaches the others.

A line holds no connection to the database between two looks, and nothing it knows is this process's alone: another
process goes on where it broke off.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar

import orjson
import structlog
from fastapi import WebSocket
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.websockets import WebSocketDisconnect, WebSocketState

from app.core import clock, live, wakeups
from app.core.access import public
from app.core.database import is_retryable, is_unreachable, reading, unit_of_work
from app.core.problems import Problem, TooManyRequests, Unavailable
from app.core.rate_limits import Rate, refill
from app.core.routing import Router
from telemedicine.consultations.repository import forget_signals
from telemedicine.consultations.schemas.signalling import (
    MAX_MESSAGE,
    MESSAGES,
    Acknowledge,
    Admit,
    Chat,
    ClientMessage,
    Give,
    Hello,
    Plain,
    Remove,
)
from telemedicine.consultations.service import room, signalling
from telemedicine.consultations.service.ice import ice
from telemedicine.consultations.service.planning import channel
from telemedicine.consultations.service.room import Seat
from telemedicine.consultations.service.signalling import Caller, own_channel

router = Router(tags=["telemedicine"])
log = structlog.get_logger(__name__)

HELLO_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 3.0
"""A right that was taken back is noticed within that time, woken or not."""
ALIVE_SECONDS: Final = 10.0
RATE: Final = Rate(burst=200, period=timedelta(seconds=5))  # a page that meets three others says about 150 things
MOST_REFUSED: Final = 100
_TRIES: Final = 4
_room = asyncio.Semaphore(2)  # looks of a process at once, of its reading connections: requests need the others

# Codes of our own (RFC 6455, 7.4.2) say why a line ends for good; after the others a page comes back by itself.
LEFT, GOING_AWAY, TRY_AGAIN, PUT_OUT, OVER, REPLACED, TOO_MUCH = 1000, 1012, 1013, 4403, 4410, 4409, 4429
_CLOSING: Final = {"over": OVER, "replaced": REPLACED}
Result = TypeVar("Result")


class LineEnded(Exception):  # noqa: N818 - says what happened
    """The line is to be closed with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@router.websocket("/consultations/{consultation_id}/signalling")
@public("the first message carries the pass or the access token")
async def open_line(socket: WebSocket, consultation_id: uuid.UUID) -> None:
    """Serve a page for as long as it takes part."""
    await socket.accept()
    structlog.contextvars.clear_contextvars()
    try:
        await _serve(socket, consultation_id)
    except LineEnded as ended:
        await _close(socket, ended.code)
    except (WebSocketDisconnect, RuntimeError):
        if socket.client_state is WebSocketState.CONNECTED and socket.application_state is WebSocketState.CONNECTED:
            raise
    except Problem as problem:
        await _refuse(socket, problem)
    except Exception as error:
        if not (is_unreachable(error) or is_retryable(error)):
            raise
        await _close(socket, TRY_AGAIN)


async def _serve(socket: WebSocket, consultation_id: uuid.UUID) -> None:
    hello = await _hello(socket)

    async def enter(session: AsyncSession) -> tuple[Seat, Caller, bool]:
        caller = await signalling.identify(session, consultation_id, hello)
        seat = Seat(consultation_id, caller.participant_id, clock.new_id(), hello.instance)
        return seat, caller, await room.arrive(session, seat, caller.pass_digest)

    seat, caller, came_back = await _work(enter)
    line = _Line(socket, seat, caller, cursor=hello.after if came_back else 0)
    try:
        with live.stream_of(seat.participant_id):
            await line.send(
                {
                    "type": "welcome",
                    "you": str(seat.participant_id),
                    "came_back": came_back,
                }
            )
            await line.run()
    finally:
        await asyncio.shield(_hang_up(seat))


async def _hang_up(seat: Seat) -> None:
    try:
        await _work(lambda session: room.hang_up(session, seat))
    except Exception as error:
        # Without a sign of life they count as gone soon, whether this was written or not.
        if not (is_unreachable(error) or isinstance(error, Problem)):
            raise


async def _hello(socket: WebSocket) -> Hello:
    """Return what the page says first; raises ``LineEnded`` for anything else."""
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            text = await _text(socket)
    except TimeoutError:
        raise LineEnded(PUT_OUT) from None
    message = _parsed(text)
    if not isinstance(message, Hello):
        await _send(socket, _error("hello_expected"))
        raise LineEnded(PUT_OUT)
    return message


@dataclass
class _Line:
    """One page's line: what comes in is done, what there is to tell goes out."""

    socket: WebSocket
    seat: Seat
    caller: Caller
    cursor: int
    told: dict[str, Any] = field(default_factory=dict)
    is_in: bool = False
    tokens: float = float(RATE.burst)
    used_at: float = field(default_factory=time.monotonic)
    refused: int = 0
    alive_at: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Go on until the page leaves or may no longer take part."""
        hearing, telling = asyncio.create_task(self._hear()), asyncio.create_task(self._tell())
        try:
            done, _ = await asyncio.wait((hearing, telling), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (hearing, telling):
                task.cancel()
            await asyncio.gather(hearing, telling, return_exceptions=True)
        for task in done:
            task.result()

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message to the page."""
        await _send(self.socket, message)

    async def _tell(self) -> None:
        looked_at = 0.0
        with (
            wakeups.listening(own_channel(self.seat.participant_id)) as sent,
            wakeups.listening(channel(self.seat.consultation_id), live.CHANNEL) as changed,
        ):
            changed.set()
            while True:
                if live.ending():
                    raise LineEnded(GOING_AWAY)
                if changed.is_set() or time.monotonic() - looked_at >= LOOK_SECONDS:
                    changed.clear()
                    await self._look()
                    looked_at = time.monotonic()
                sent.clear()
                await self._deliver()
                await self._stay()
                await _either(sent, changed, LOOK_SECONDS)

    async def _look(self) -> None:
        async with _room, reading() as connection:
            told = await signalling.look(connection, self.seat, self.caller)
        if told.refusal is not None:
            await _work(lambda session: room.lose_right(session, self.seat))
            raise told.refusal
        if self.is_in and any(not person["is_present"] for person in told.standing["people"] if "polite" in person):
            await _work(lambda session: signalling.put_out_absent(session, self.seat))
        if told.standing != self.told:
            entered = told.standing["you"] == "admitted" and not self.is_in
            self.is_in = told.standing["you"] == "admitted"
            if entered:
                await self.send({"type": "ice", **ice(self.seat.participant_id)})
            self.told = told.standing
            await self.send(told.standing)
        if told.closed:
            raise LineEnded(_CLOSING[told.closed])

    async def _deliver(self) -> None:
        while self.is_in:
            async with _room, reading() as connection:
                messages = await signalling.received(connection, self.seat, self.cursor)
            for message in messages:
                await self.send(message)
                self.cursor = message["number"]
            if len(messages) < signalling.AT_ONCE:
                return

    async def _stay(self) -> None:
        if time.monotonic() - self.alive_at >= ALIVE_SECONDS:
            self.alive_at = time.monotonic()
            await _work(lambda session: room.stay(session, self.seat))
            await self.send({"type": "alive"})  # who hears nothing for long comes back over another network

    async def _hear(self) -> None:
        while True:
            text = await _text(self.socket)
            if not self._may_speak():
                self.refused += 1
                await self.send(_error("too_many_messages"))
                if self.refused >= MOST_REFUSED:
                    raise LineEnded(TOO_MUCH)
                continue
            message = _parsed(text)
            if isinstance(message, str):
                self.refused += 1
                await self.send(_error(message))
                if self.refused >= MOST_REFUSED:
                    raise LineEnded(TOO_MUCH)
                continue
            try:
                await self._do(message)
            except Problem as problem:
                await self.send(_error(problem.code))

    def _may_speak(self) -> bool:
        now = time.monotonic()
        self.tokens = refill(self.tokens, RATE, timedelta(seconds=now - self.used_at))
        self.used_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    async def _do(self, message: ClientMessage) -> None:
        seat = self.seat
        match message:
            case Give():
                if not await _work(lambda session: signalling.give(session, seat, message)):
                    await self.send(_error("not_there") | {"to": str(message.to)})
            case Chat():
                heard = await _work(lambda session: signalling.talk(session, seat, message))
                await self.send({"type": "said", "text": message.text} if heard else _error("not_there"))
            case Acknowledge():
                up_to = min(message.number, self.cursor)
                await _work(lambda session: forget_signals(session, seat.participant_id, up_to))
            case Admit():
                await _work(lambda session: room.admit(session, seat, message.participant_id))
            case Remove():
                await _work(lambda session: room.remove(session, seat, message.participant_id))
            case Plain(type=what):
                await self._do_plainly(what)
            case Hello():
                await self.send(_error("not_now"))

    async def _do_plainly(self, what: str) -> None:
        seat = self.seat
        match what:
            case "end":
                await _work(lambda session: room.end(session, seat))
            case "phone":
                await _work(lambda session: room.wish_phone(session, seat))
            case "leave":
                await _work(lambda session: room.leave(session, seat))
                raise LineEnded(LEFT)
            case _ if self.is_in:
                await self.send({"type": "ice", **ice(seat.participant_id)})
            case _:
                await self.send(_error("not_now"))


async def _work(task: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    """Run ``task`` in a unit of work, again if it lost a race."""
    for number in range(_TRIES):
        try:
            async with unit_of_work() as session:
                return await task(session)
        except Exception as error:
            if not is_retryable(error) or number == _TRIES - 1:
                raise
    raise AssertionError("unreachable")


async def _either(first: asyncio.Event, second: asyncio.Event, seconds: float) -> None:
    """Wait for one of two events, for so long at most."""
    waits = [asyncio.ensure_future(event.wait()) for event in (first, second)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _parsed(text: str | bytes) -> ClientMessage | str:
    """Return the message a text is, or the code of what is wrong with it."""
    raw = text.encode(errors="replace") if isinstance(text, str) else text
    if len(raw) > MAX_MESSAGE:
        return "too_large"
    if b"\\u0000" in raw or b"\x00" in raw:
        return "malformed"
    try:
        return MESSAGES.validate_python(orjson.loads(raw))
    except (ValidationError, orjson.JSONDecodeError):
        return "malformed"


async def _text(socket: WebSocket) -> str | bytes:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    content: str | bytes | None = message.get("text")
    return content if content is not None else message.get("bytes") or b""


def _error(code: str) -> dict[str, Any]:
    return {"type": "error", "code": code}


async def _send(socket: WebSocket, message: dict[str, Any]) -> None:
    await socket.send_text(orjson.dumps(message).decode())


async def _refuse(socket: WebSocket, problem: Problem) -> None:
    """Say why a page may not be here (any longer), and close its line."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await _send(socket, _error(problem.code) | problem.extensions)
    busy = isinstance(problem, (TooManyRequests, Unavailable))
    code = OVER if problem.code == "consultation_over" else TRY_AGAIN if busy else PUT_OUT
    await _close(socket, code)


async def _close(socket: WebSocket, code: int) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await socket.close(code)
