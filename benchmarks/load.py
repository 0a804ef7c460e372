"""A load generator for HTTP/1.1 on loopback: many kept-alive connections, little work per request.

A request may have a second one that follows its success on the same connection: the two are timed as one.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle

import orjson
import uvloop

ID = b"{id}"
"""Where the second request says the id that the first was answered with."""

Exchange = tuple[bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a burst of requests came to: how many per second, the 50th and 99th percentile in ms, how many failed.

    ``statuses`` counts the answers by their status.
    """

    per_second: float
    p50: float
    p99: float
    failed: int
    statuses: dict[str, int]


class _Connection(asyncio.Protocol):
    def __init__(
        self, exchanges: Iterator[Exchange], durations: list[float], done: asyncio.Future[None], until: float
    ) -> None:
        self._exchanges, self._durations, self._done, self._until = exchanges, durations, done, until
        self._buffer = b""
        self._then: bytes | None = None
        self.statuses: Counter[str] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a stream's is one
        self._send()

    def _send(self) -> None:
        self._started = time.perf_counter()
        exchange = next(self._exchanges, None) if self._started < self._until else None
        if exchange is None:
            self._transport.close()
            return
        request, self._then = exchange
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lowered = head.lower()
        length = 0  # a 204 says none
        if (at := lowered.find(b"content-length: ")) >= 0:
            end = lowered.find(b"\r\n", at)
            length = int(head[at + 16 : end if end > 0 else None])
        if len(body) < length:
            return
        self._buffer = b""
        self.statuses[head[9:12].decode()] += 1
        if self._then is not None and head[9:10] == b"2":
            request, self._then = self._then, None
            if ID in request:
                request = request.replace(ID, orjson.loads(body)["id"].encode())
            self._transport.write(request)
            return
        self._durations.append(time.perf_counter() - self._started)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self._done.done():
            self._done.set_result(None)


async def _run(port: int, exchanges: Sequence[Exchange], connections: int, seconds: float, *, once: bool) -> Outcome:
    loop = asyncio.get_running_loop()
    feed: Iterator[Exchange] = iter(exchanges) if once else cycle(exchanges)
    durations: list[float] = []
    started = time.perf_counter()
    protocols, finished = [], []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        finished.append(done)
        _, protocol = await loop.create_connection(
            partial(_Connection, feed, durations, done, started + seconds),
            "127.0.0.1",
            port,
        )
        protocols.append(protocol)
    await asyncio.gather(*finished)
    elapsed = time.perf_counter() - started
    durations.sort()
    count = len(durations)
    statuses: Counter[str] = sum((protocol.statuses for protocol in protocols), Counter())
    return Outcome(
        per_second=count / elapsed,
        p50=durations[count // 2] * 1000,
        p99=durations[min(count - 1, count * 99 // 100)] * 1000,
        failed=sum(number for status, number in statuses.items() if status[0] != "2"),
        statuses=statuses,
    )


def request(method: str, path: str, headers: dict[str, str] | None = None, body: object | None = None) -> bytes:
    """Return the bytes of one request."""
    payload = b"" if body is None else orjson.dumps(body)
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *(f"{k}: {v}" for k, v in (headers or {}).items())]
    if body is not None:
        lines.append("content-type: application/json")
    lines.append(f"content-length: {len(payload)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


async def fire(
    port: int,
    requests: Sequence[bytes],
    *,
    then: Sequence[bytes] = (),
    connections: int = 32,
    seconds: float = 5.0,
    once: bool = False,
) -> Outcome:
    """Send ``requests`` (over and over, or each once) for at most ``seconds`` from a process of its own.

    ``then`` are those that follow, one for each of the former; ``ID`` in them is the ``id`` of the former's answer.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    order = {
        "port": port,
        "requests": [item.decode() for item in requests],
        "then": [item.decode() for item in then] or [""] * len(requests),
        "connections": connections,
        "seconds": seconds,
        "once": once,
    }
    answer, _ = await process.communicate(orjson.dumps(order))
    return Outcome(**orjson.loads(answer))


def main() -> None:
    """Read an order from standard input, fire, and print the outcome."""
    order = orjson.loads(sys.stdin.buffer.read())
    exchanges = [
        (first.encode(), second.encode() if second else None)
        for first, second in zip(order["requests"], order["then"], strict=True)
    ]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcome = runner.run(_run(order["port"], exchanges, order["connections"], order["seconds"], once=order["once"]))
    sys.stdout.buffer.write(orjson.dumps(outcome))


if __name__ == "__main__":
    main()
