"""The public keys of clients: registered with us, or fetched from where a client publishes them, and kept a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import jwt
import orjson

from app.core import clock, outbound
from app.core.settings import settings
from app.identity.smart.rules.assertions import BadAssertion, Named
from app.identity.smart.rules.keys import lifetime, usable
from app.identity.smart.views import Client

PAUSE: Final = timedelta(minutes=1)
"""How often at most an address is asked: its keys have run out, one is not known, or asking failed."""
_REMEMBERED: Final = 1_000
_MOST_BYTES: Final = 65_536
_OK: Final = 200


@dataclass(slots=True)
class _Published:
    """What a client published when it was last asked."""

    keys: Mapping[str, jwt.PyJWK] = field(default_factory=dict)
    good_until: datetime | None = None
    asked_at: datetime | None = None
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def key(self, url: str, key_id: str) -> jwt.PyJWK | None:
        """Return the key of an id, asking for it if need be and the address was not asked just now."""
        async with self.asking:
            now = clock.now()
            is_good = self.good_until is not None and now < self.good_until
            may_ask = self.asked_at is None or now - self.asked_at >= PAUSE
            if may_ask and not (is_good and key_id in self.keys):
                self.asked_at = now
                await self._ask(url)
                is_good = self.good_until is not None and now < self.good_until
            return self.keys.get(key_id) if is_good else None

    async def _ask(self, url: str) -> None:
        fetched = await _fetch(url)
        if fetched is not None:
            self.keys = usable(fetched[0])
            self.good_until = clock.now() + fetched[1]


_published: OrderedDict[tuple[Any, ...], _Published] = OrderedDict()


async def key_of(client: Client, named: Named) -> jwt.PyJWK:
    """Return the key a client says it has signed with; raises ``BadAssertion``. Called outside of transactions."""
    if client.jwks is not None:
        key = usable(client.jwks).get(named.key_id)
    elif client.jwks_uri is not None:
        if named.key_set not in (None, client.jwks_uri):
            raise BadAssertion("jku: not the address that is registered")
        key = await _of(client).key(client.jwks_uri, named.key_id)
    else:
        key = None
    if key is None or key.algorithm_name != named.algorithm:
        raise BadAssertion("kid: no such key of this client's, or its keys cannot be fetched at the moment")
    return key


def _of(client: Client) -> _Published:
    """Return what is known of a client's keys; registered anew, nothing."""
    known = client.id, client.keys_set_at
    found = _published.setdefault(known, _Published())
    _published.move_to_end(known)
    if len(_published) > _REMEMBERED:
        _published.popitem(last=False)
    return found


async def _fetch(url: str) -> tuple[Any, timedelta] | None:
    """Return the document at an address and how long it is good; ``None`` if there is none to be had."""
    import aiohttp  # noqa: PLC0415 - slow to import, and only where keys are fetched

    chosen = settings().smart
    try:
        outbound.check_url(url, allow_private=chosen.allow_private)
        async with (
            asyncio.timeout(chosen.timeout),
            outbound.outbound_session(chosen.allow_private, total=chosen.timeout) as http,
        ):
            answer = await outbound.get(http, url, headers={"Accept": "application/json"}, most=_MOST_BYTES)
        if answer.status != _OK:
            return None
        return orjson.loads(answer.body), lifetime(answer.headers.get("Cache-Control", ""))
    except (aiohttp.ClientError, OSError, ValueError, TimeoutError):
        return None
