"""Who sends in the fan-out, each in a process of its own: our worker's lane, the Firebase SDK, a bare ``aiohttp`` loop.

All run on uvloop. The order comes as JSON on standard input, the outcome goes as JSON to standard output.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import uvloop

from tests.sinks.fcm import PROJECT

CONNECTIONS = 100
SDK_CALL = 500  # the most it takes at once


@dataclass(frozen=True, slots=True)
class Order:
    """What to send: what is due in ``database``, or the first ``count`` lines of ``bodies``."""

    sender: str
    url: str
    count: int
    database: str = ""
    bodies: str = ""
    credentials: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What it took: seconds by the clock, seconds of this process's CPU, and its memory at the peak in MiB."""

    sent: int
    seconds: float
    cpu: float
    memory: float


@dataclass(slots=True)
class _Watch:
    seconds: float = 0.0
    cpu: float = 0.0


@contextmanager
def _timed() -> Iterator[_Watch]:
    watch = _Watch()
    started, used = time.perf_counter(), time.process_time()
    yield watch
    watch.seconds, watch.cpu = time.perf_counter() - started, time.process_time() - used


def _peak_memory() -> float:
    """Return the most memory this process has held since it became this program, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _lines(order: Order) -> list[bytes]:
    with Path(order.bodies).open("rb") as file:
        return [line.rstrip() for line in islice(file, order.count)]


async def _ours(order: Order) -> tuple[int, _Watch]:
    from app import worker  # noqa: PLC0415 - the others do without
    from benchmarks import place  # noqa: PLC0415
    from notifications.api import close_channels  # noqa: PLC0415
    from notifications.sending.jobs import run_lane  # noqa: PLC0415

    worker.load()
    async with place.hearthline(order.database):
        with _timed() as watch:
            handled = await run_lane("bulk")
        await close_channels()
    return handled, watch


async def _bare(order: Order) -> tuple[int, _Watch]:
    import aiohttp  # noqa: PLC0415 - only what is measured is loaded

    bodies = _lines(order)
    url = f"{order.url}/v1/projects/{PROJECT}/messages:send"
    headers = {"Authorization": "Bearer token", "Content-Type": "application/json"}
    left = iter(bodies)
    sent = 0

    async def post(session: aiohttp.ClientSession) -> None:
        nonlocal sent
        for body in left:
            async with session.post(url, data=body, headers=headers) as response:
                await response.read()
                sent += response.status == 200

    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        with _timed() as watch:
            await asyncio.gather(*(post(session) for _ in range(CONNECTIONS)))
    return sent, watch


async def _sdk(order: Order) -> tuple[int, _Watch]:
    import firebase_admin  # noqa: PLC0415
    from firebase_admin import credentials, messaging  # noqa: PLC0415

    messaging._MessagingService.FCM_URL = f"{order.url}/v1/projects/{{0}}/messages:send"
    app = firebase_admin.initialize_app(credentials.Certificate(order.credentials))
    messages = [_sdk_message(messaging, orjson.loads(line)["message"]) for line in _lines(order)]
    sent = 0
    with _timed() as watch:
        for first in range(0, len(messages), SDK_CALL):
            answer = await messaging.send_each_async(messages[first : first + SDK_CALL])
            sent += answer.success_count
    await messaging._get_messaging_service(app)._async_client.aclose()
    return sent, watch


def _sdk_message(messaging: Any, body: Mapping[str, Any]) -> Any:
    android, apns = body["android"], body["apns"]
    aps = apns["payload"]["aps"]
    return messaging.Message(
        fid=body["fid"],
        notification=messaging.Notification(**body["notification"]),
        data=body["data"],
        android=messaging.AndroidConfig(
            collapse_key=android["collapse_key"],
            priority=android["priority"],
            ttl=int(android["ttl"].rstrip("s")),
            notification=messaging.AndroidNotification(
                channel_id=android["notification"]["channel_id"], tag=android["notification"]["tag"]
            ),
        ),
        apns=messaging.APNSConfig(
            headers=apns["headers"],
            payload=messaging.APNSPayload(
                aps=messaging.Aps(
                    alert=messaging.ApsAlert(**aps["alert"]),
                    sound=aps["sound"],
                    category=aps["category"],
                    thread_id=aps["thread-id"],
                    custom_data={"interruption-level": aps["interruption-level"]},
                )
            ),
        ),
    )


_SENDERS: Mapping[str, Callable[[Order], Coroutine[Any, Any, tuple[int, _Watch]]]] = {
    "ours": _ours,
    "bare": _bare,
    "sdk": _sdk,
}


def send(order: Order, environment: Mapping[str, str]) -> Outcome:
    """Have ``order`` carried out by a process of its own and return what it took."""
    command = [sys.executable, "-W", "ignore", "-m", __name__]
    done = subprocess.run(command, input=orjson.dumps(order), stdout=subprocess.PIPE, env=environment, check=True)
    return Outcome(**orjson.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Read an order, carry it out and print the outcome."""
    order = Order(**orjson.loads(sys.stdin.buffer.read()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sent, watch = runner.run(_SENDERS[order.sender](order))
    outcome = Outcome(sent, watch.seconds, watch.cpu, _peak_memory())
    sys.stdout.buffer.write(orjson.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
