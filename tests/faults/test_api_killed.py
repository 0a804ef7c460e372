"""An API process killed in the middle of requests: what was answered is stored, what is sent again is done once."""

import asyncio
import random
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from app.core import clock
from tests.faults.people import OPEN, check_in_id, settle_in, signed_in
from tests.faults.processes import House, Process, looking

RESIDENTS = 40
KILLS = 4
CLIENTS = 12
_FACTS = "SELECT count(*), count(DISTINCT aggregate_id) FROM core_event WHERE name"


@dataclass(frozen=True, eq=False)
class _Wish:
    """Something a phone sends until it is answered, always under the same key."""

    kind: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


async def _wishes(resident: int) -> list[_Wish]:
    signed = await signed_in(resident)

    def keyed() -> dict[str, str]:
        return signed | {"Idempotency-Key": str(clock.new_id())}

    mail = {"kind": "email", "value": f"resident-{resident}@example.org", "capabilities": ["email"]}
    return [
        _Wish("sos", "/v1/me/sos", signed, {"sos_id": str(clock.new_id())}),
        _Wish("answer", f"/v1/me/check-ins/{check_in_id(resident)}/answer", keyed(), {"status": "ok"}),
        _Wish("mail", "/v1/me/contact-points", keyed(), mail),
    ]


async def _send(api: Process, wishes: Sequence[_Wish], *, kill_after: int | None = None) -> dict[_Wish, Any]:
    """Send ``wishes`` over several connections and return the bodies of those that were answered 2xx.

    With ``kill_after`` the process dies once so many were answered, and nothing more comes.
    """
    queue = list(wishes)
    answered: dict[_Wish, Any] = {}

    async def serve(client: httpx.AsyncClient) -> None:
        while queue:
            wish = queue.pop()
            try:
                answer = await client.post(wish.path, headers=wish.headers, json=wish.body)
            except httpx.TransportError:
                assert kill_after is not None, "the API broke off"
                continue
            if answer.status_code == 409 and answer.json()["code"] == "idempotent_request_running":
                queue.append(wish)  # PostgreSQL has not noticed yet that the process before has died
                continue
            assert answer.is_success, answer.text
            answered[wish] = answer.json()
            if kill_after is not None and len(answered) == kill_after:
                await api.kill()

    async with httpx.AsyncClient(base_url=api.url, timeout=60) as client, asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(serve(client))
    return answered


async def _is_stored(look: asyncpg.Connection, wish: _Wish, body: Any) -> bool:
    statement = {
        "sos": "SELECT EXISTS (SELECT FROM eldercare_alarm_signal WHERE alarm_id = $1)",
        "answer": "SELECT state = 'answered' FROM eldercare_check_in WHERE id = $1",
        "mail": "SELECT EXISTS (SELECT FROM identity_contact_point WHERE id = $1)",
    }[wish.kind]
    return bool(await look.fetchval(statement, uuid.UUID(body["id"])))


async def test_what_was_answered_is_stored_and_what_is_repeated_is_done_once(home: House) -> None:
    seed = secrets.randbits(32)
    chance = random.Random(seed)
    await settle_in(home.url, RESIDENTS, then=(OPEN,))
    wishes = [wish for resident in range(1, RESIDENTS + 1) for wish in await _wishes(resident)]
    chance.shuffle(wishes)
    answered: dict[_Wish, Any] = {}
    async with looking(home.url) as look:
        for _ in range(KILLS):
            left = [wish for wish in wishes if wish not in answered]
            answered |= await _send(await home.api(), left, kill_after=chance.randint(1, RESIDENTS // 2))
            for wish, body in answered.items():
                assert await _is_stored(look, wish, body), (seed, wish.kind)
        assert len(answered) < len(wishes)
        again = await _send(await home.api(), wishes)

        assert len(again) == len(wishes)
        for wish, body in answered.items():
            same = ("id", "raised_at") if wish.kind == "sos" else tuple(body)
            assert [again[wish][name] for name in same] == [body[name] for name in same], (seed, wish.kind)
        for effect in (
            "SELECT count(*), count(DISTINCT resident_id) FROM eldercare_alarm",
            "SELECT count(*), count(DISTINCT client_key) FROM eldercare_alarm_signal",
            f"{_FACTS} = 'eldercare.alarm_raised.v1'",
            f"{_FACTS} = 'eldercare.check_in_answered.v1'",
            "SELECT count(*), count(DISTINCT account_id) FROM identity_contact_point",
        ):
            assert tuple(await look.fetchrow(effect)) == (RESIDENTS, RESIDENTS), (seed, effect)
