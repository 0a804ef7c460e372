"""SOS to phone: from the POST to the push arriving at a local FCM, idle and in the middle of the morning storm.

Real processes: an API, a worker, a PostgreSQL; the phone is a loopback FCM speaking the real wire format. Each SOS is
raised by another resident and rings another relative's phone.
"""

import asyncio
import gc
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from app.core import embedded
from app.core.database import unit_of_work
from app.identity.sessions import tokens
from app.identity.sessions.models import AccountSession
from benchmarks import place, population, processes
from benchmarks.report import Comparison, Series, out, show
from eldercare.care_circle.models import CircleMember
from tests.sinks.fcm import PROJECT, FcmSink, fcm_sink, target

RESIDENTS = 40_000
CALLS = 120
ROUNDS = 3
PAUSE = 0.05
PATIENCE = 60.0

_LATER = "UPDATE eldercare_check_in SET next_prompt_at = :now + interval '1 day'"
_NOW = "UPDATE eldercare_check_in SET next_prompt_at = :now WHERE state = 'scheduled'"


def _relative(number: int) -> int:
    """Return the account that is the only one in the circle of a resident."""
    return RESIDENTS - number


async def _prepare(url: str, callers: int) -> list[str]:
    """Give the first residents a circle of one and a session; return their access tokens."""
    now = datetime.now(UTC)
    issued = []
    async with place.hearthline(url), unit_of_work() as session:
        for number in range(1, callers + 1):
            account = population.identifier(1, number)
            member = CircleMember(
                community_id=population.COMMUNITY,
                resident_id=population.identifier(2, number),
                account_id=population.identifier(1, _relative(number)),
                called="relative",
                relationship="daughter",
                position=1,
                state="accepted",
                time_zone="UTC",
                invited_by=account,
                scopes=["alarms:read", "alarms:respond"],
            )
            row = AccountSession(
                account_id=account,
                community_id=population.COMMUNITY,
                method="local",
                device_label="bench",
                last_seen_at=now,
                expires_at=datetime(2100, 1, 1, tzinfo=UTC),
            )
            session.add_all([member, row])
            issued.append(tokens.issue(account, row.id, population.COMMUNITY)[0])
    return issued


class _Phones:
    """When each phone rang first."""

    def __init__(self, sink: FcmSink) -> None:
        self.rang: dict[str, float] = {}
        sink.behave = self._ring

    def _ring(self, message: Mapping[str, Any]) -> None:
        if message["data"].get("category") != "check_ins":
            self.rang.setdefault(target(message), time.perf_counter())


async def _call(client: httpx.AsyncClient, phones: _Phones, token: str, number: int) -> float:
    """Raise an SOS and return the milliseconds until the relative's phone rang."""
    started = time.perf_counter()
    answer = await client.post(
        "/v1/me/sos", json={"countdown_seconds": 0}, headers={"authorization": f"Bearer {token}"}, timeout=PATIENCE
    )
    answer.raise_for_status()
    phone = f"fid-{_relative(number)}"
    while phone not in phones.rang:
        if time.perf_counter() - started > PATIENCE:
            raise TimeoutError(f"SOS {number} reached nobody in {PATIENCE} s")
        await asyncio.sleep(0.001)
    return (phones.rang[phone] - started) * 1000


async def _calls(client: httpx.AsyncClient, phones: _Phones, issued: list[str], first: int) -> list[float]:
    waits = []
    for number in range(first, first + CALLS):
        waits.append(await _call(client, phones, issued[number - 1], number))
        await asyncio.sleep(PAUSE)
    return sorted(waits)


async def _round(
    server: embedded.EmbeddedServer, template: str, issued: list[str]
) -> tuple[list[float], list[float], int]:
    url = place.cloned(server, "sos", template)
    async with fcm_sink() as sink:
        phones = _Phones(sink)
        env = processes.environment(
            url,
            HEARTHLINE_PUSH_PROVIDERS='["fcm"]',
            HEARTHLINE_PUSH_FCM_PROJECT=PROJECT,
            HEARTHLINE_PUSH_FCM_CREDENTIALS=str(sink.write_credentials(place.DIRECTORY)),
            HEARTHLINE_PUSH_FCM_ENDPOINT=sink.url,
            HEARTHLINE_PUSH_FCM_TOKEN_ENDPOINT=f"{sink.url}/token",
        )
        with processes.api("app.main:create_app", env, factory=True) as port, processes.worker(env):
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                await _call(client, phones, issued[-1], len(issued))  # everything loaded and connected
                idle = await _calls(client, phones, issued, 1)
                before = len(sink.messages)
                await place.execute(url, _NOW, now=datetime.now(UTC))
                while len(sink.messages) < before + 100:  # noqa: ASYNC110 - another process sends them
                    await asyncio.sleep(0.01)
                storm = await _calls(client, phones, issued, 1 + CALLS)
                return idle, storm, len(sink.messages) - before


def run(server: embedded.EmbeddedServer) -> None:
    """Measure and print."""
    template = "sos_template"
    url = place.migrated(server, template)
    asyncio.run(place.execute(url, *population.DUE, _LATER, now=datetime.now(UTC), count=RESIDENTS))
    issued = asyncio.run(_prepare(url, 2 * CALLS + 1))
    gc.disable()  # going through all that the sink has kept would stop the clock for tenths of a second
    series = {name: Series(name, "ms") for name in ("storm p99", "idle p99", "storm p50", "idle p50")}
    pushes: list[int] = []
    for _ in range(ROUNDS):
        idle, storm, sent = asyncio.run(_round(server, template, issued))
        pushes.append(sent)
        for name, waits in (("idle", idle), ("storm", storm)):
            series[f"{name} p50"].add(waits[len(waits) // 2])
            series[f"{name} p99"].add(waits[len(waits) * 99 // 100])
    show(
        f"SOS to phone, while {RESIDENTS:,} check-ins are being asked",
        [
            Comparison("slowest 1 % in the storm", series["storm p99"], series["idle p99"], 3, at_most=True),
            Comparison("middle in the storm", series["storm p50"], series["idle p50"], 3, at_most=True),
        ],
    )
    out.print(f"pushes of the storm that left meanwhile: {', '.join(f'{count:,}' for count in pushes)}\n")
    gc.enable()
    for name in ("sos", template):
        server.drop_database(name)
