"""A Home Assistant on loopback that speaks the real wire format of its REST and WebSocket API, as far as it is asked.

Written by us from developers.home-assistant.io ("WebSocket API", "REST API"). ``states`` is what it has; ``change`` and
``remove`` tell those who listen; ``called`` is what it was asked to do.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web

VERSION = "2026.10.2"
TOKEN = "a-long-lived-access-token-of-the-home"


class HomeAssistant:
    """One hub with its entities, and the lines open to it."""

    def __init__(self) -> None:
        self.url = ""
        self.token = TOKEN
        self.states: dict[str, dict[str, Any]] = {}
        self.entries: list[dict[str, Any]] = []
        self.devices: list[dict[str, Any]] = []
        self.areas: list[dict[str, Any]] = []
        self.called: list[tuple[str, str, dict[str, Any]]] = []
        self.status = 200
        self.refuses_registries = False
        self.is_mute = False
        self.asked: list[str] = []
        self.let_in = 0
        self._lines: dict[web.WebSocketResponse, dict[int, str]] = {}
        self._moved = asyncio.Condition()

    def has(self, entity_id: str, state: str, **attributes: Any) -> None:
        """Have an entity stand so, without telling anybody."""
        self.states[entity_id] = {
            "entity_id": entity_id,
            "state": state,
            "attributes": attributes,
            "last_changed": "2026-11-28T10:00:00.000000+00:00",
            "last_reported": "2026-11-28T10:00:00.000000+00:00",
            "last_updated": "2026-11-28T10:00:00.000000+00:00",
            "context": {"id": "01JDXS0000000000000000000", "parent_id": None, "user_id": None},
        }

    async def change(self, entity_id: str, state: str, **attributes: Any) -> None:
        """Have an entity stand so, and tell who listens."""
        before = self.states.get(entity_id)
        self.has(entity_id, state, **((before or {}).get("attributes", {}) | attributes))
        await self._tell(entity_id, before, self.states[entity_id])

    async def remove(self, entity_id: str) -> None:
        """Take an entity out, and tell who listens."""
        await self._tell(entity_id, self.states.pop(entity_id), None)

    async def tell(self, event_type: str, **data: Any) -> None:
        """Tell an event to who listens."""
        event = {"event_type": event_type, "data": data, "origin": "LOCAL", "time_fired": "2026-11-28T10:00:00+00:00"}
        for line, wanted in list(self._lines.items()):
            for number, kind in wanted.items():
                if kind == event_type:
                    await line.send_json({"id": number, "type": "event", "event": event})

    async def until(self, what: str, times: int = 1) -> None:
        """Return once it was asked for something so often."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.asked.count(what) >= times)

    async def hang_up(self) -> None:
        """Break every line."""
        for line in list(self._lines):
            await line.close()

    async def _tell(self, entity_id: str, before: Any, after: Any) -> None:
        await self.tell("state_changed", entity_id=entity_id, old_state=before, new_state=after)

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one line: first who it is, then one command after another."""
        line = web.WebSocketResponse()
        await line.prepare(request)
        await line.send_json({"type": "auth_required", "ha_version": VERSION})
        said = await line.receive_json()
        if said.get("type") != "auth" or said.get("access_token") != self.token:
            await line.send_json({"type": "auth_invalid", "message": "Invalid access token or password"})
            await line.close()
            return line
        await line.send_json({"type": "auth_ok", "ha_version": VERSION})
        self.let_in += 1
        self._lines[line] = {}
        try:
            last = 0
            async for message in line:
                if message.type != WSMsgType.TEXT:
                    continue
                command = json.loads(message.data)
                if command["id"] <= last:
                    await self._fail(line, command["id"], "id_reuse", "Identifier values have to increase.")
                    continue
                last = command["id"]
                if not self.is_mute:
                    await self._answer(line, command)
                async with self._moved:
                    self.asked.append(command["type"])
                    self._moved.notify_all()
        finally:
            self._lines.pop(line, None)
        return line

    async def _answer(self, line: web.WebSocketResponse, command: dict[str, Any]) -> None:
        number, kind = command["id"], command["type"]
        known: dict[str, Any] = {
            "get_states": list(self.states.values()),
            "config/entity_registry/list": self.entries,
            "config/device_registry/list": self.devices,
            "config/area_registry/list": self.areas,
        }
        if kind == "ping":
            await line.send_json({"id": number, "type": "pong"})
        elif kind == "subscribe_events":
            self._lines[line][number] = command["event_type"]
            await line.send_json({"id": number, "type": "result", "success": True, "result": None})
        elif kind.startswith("config/") and self.refuses_registries:
            await self._fail(line, number, "unauthorized", "Unauthorized")
        elif kind in known:
            await line.send_json({"id": number, "type": "result", "success": True, "result": known[kind]})
        else:
            await self._fail(line, number, "unknown_command", "Unknown command.")

    async def _fail(self, line: web.WebSocketResponse, number: int, code: str, text: str) -> None:
        error = {"code": code, "message": text}
        await line.send_json({"id": number, "type": "result", "success": False, "error": error})

    async def service(self, request: web.Request) -> web.Response:
        """Do what is asked over REST, and answer with the states that changed."""
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401, text="401: Unauthorized")
        domain, service = request.match_info["domain"], request.match_info["service"]
        self.called.append((domain, service, await request.json()))
        if self.status != 200:
            return web.Response(status=self.status)
        entity_id = self.called[-1][2]["entity_id"]
        after = {"turn_on": "on", "turn_off": "off", "lock": "locked", "unlock": "unlocked"}.get(service)
        if after is None:
            return web.json_response([])
        await self.change(entity_id, after)
        return web.json_response([self.states[entity_id]])


@asynccontextmanager
async def home_assistant() -> AsyncIterator[HomeAssistant]:
    """Run one on a free port of loopback."""
    hub = HomeAssistant()
    app = web.Application()
    app.router.add_get("/api/websocket", hub.socket)
    app.router.add_post("/api/services/{domain}/{service}", hub.service)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # aiohttp keeps it to itself
    hub.url = f"http://127.0.0.1:{port}"
    try:
        yield hub
    finally:
        await hub.hang_up()
        await runner.cleanup()
