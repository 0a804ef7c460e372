"""Homes let in and out by Mosquitto's dynamic security: told over the broker itself, and confirmed by it.

What is asked for is what shall be so, not what shall change: asking twice does no harm.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import aiomqtt
import orjson

from app.broker.connection import passing_client
from app.broker.embedded import settings_for
from app.broker.messages import NotConnected, Unconfirmed
from app.core import clock
from app.core.settings import settings

CONTROL: Final = "$CONTROL/dynamic-security/v1"
_PATIENCE: Final = 10.0  # seconds for an answer
# What a broker says of what is so already.
_SETTLED: Final = {
    "createRole": "Role already exists",
    "createClient": "Client already exists",
    "disableClient": "Client not found",
    "deleteClient": "Client not found",
    "deleteRole": "Role not found",
}

Command = dict[str, Any]


class ControlRefused(RuntimeError):  # noqa: N818 - says what became of it
    """The broker did not do what it was asked; names the commands, not the home."""


class DynamicSecurity:
    """Speaks with the plugin over a connection of a user that may: the gateway's."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def ensure_home(self, key: str, secret: str) -> None:
        """Let the home in with ``secret``, to its own topics alone.

        Raises ``ControlRefused``, ``NotConnected`` and ``Unconfirmed``.
        """
        role = _role(key)
        who = {"username": key, "password": secret, "roles": [{"rolename": role, "priority": 0}]}
        acls = _acls(key)
        await self._ask(
            {"command": "createRole", "rolename": role, "acls": acls},
            {"command": "modifyRole", "rolename": role, "acls": acls},
            {"command": "createClient", **who},
            {"command": "modifyClient", **who},
            {"command": "enableClient", "username": key},
        )

    async def remove_home(self, key: str) -> None:
        """Let the home in no more, and end the connection it may have. Raises what `ensure_home` does."""
        await self._ask(
            {"command": "disableClient", "username": key},
            {"command": "deleteClient", "username": key},
            {"command": "deleteRole", "rolename": _role(key)},
        )

    async def _ask(self, *commands: Command) -> None:
        mark = str(clock.new_id())
        marked = [command | {"correlationData": mark} for command in commands]
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._client.publish(CONTROL, orjson.dumps({"commands": marked}), qos=1)
                answers = await self._answers(mark, len(commands))
        except (aiomqtt.MqttError, TimeoutError) as error:
            raise Unconfirmed from error
        refused = [answer["command"] for answer in answers if not _is_done(answer)]
        if refused:
            raise ControlRefused(", ".join(refused))

    async def _answers(self, mark: str, count: int) -> Sequence[Mapping[str, Any]]:
        answers: list[Mapping[str, Any]] = []
        async for message in self._client.messages:
            told = orjson.loads(message.payload)
            answers += [one for one in told.get("responses", ()) if one.get("correlationData") == mark]
            if len(answers) >= count:
                break
        return answers


@asynccontextmanager
async def dynamic_security() -> AsyncIterator[DynamicSecurity]:
    """Lend a connection to the broker's control; for many homes, once. Raises ``NotConnected``."""
    try:
        async with passing_client(settings_for(settings())) as client:
            await client.subscribe(f"{CONTROL}/response", qos=1)
            yield DynamicSecurity(client)
    except (aiomqtt.MqttError, OSError) as error:
        raise NotConnected from error


async def ensure_home(key: str, secret: str) -> None:
    """Let one home in. Raises ``NotConnected``, ``Unconfirmed`` and ``ControlRefused``."""
    async with dynamic_security() as security:
        await security.ensure_home(key, secret)


async def remove_home(key: str) -> None:
    """Let one home in no more. Raises ``NotConnected``, ``Unconfirmed`` and ``ControlRefused``."""
    async with dynamic_security() as security:
        await security.remove_home(key)


def _role(key: str) -> str:
    return f"home-{key}"


def _acls(key: str) -> list[Command]:
    kinds = ("publishClientSend", "publishClientReceive", "subscribePattern", "unsubscribePattern")
    return [{"acltype": kind, "topic": f"homes/{key}/#", "priority": 0, "allow": True} for kind in kinds]


def _is_done(answer: Mapping[str, Any]) -> bool:
    error = answer.get("error")
    return error is None or error == _SETTLED.get(answer["command"])
