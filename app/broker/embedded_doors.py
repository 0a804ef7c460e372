"""Whom the demo's broker lets in, and to what: as Mosquitto does by the files that `credentials` writes."""

import asyncio
import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path

from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from app.broker.embedded import GATEWAY


class Doorkeeper(BaseAuthPlugin):  # type: ignore[misc] # amqtt ships no types
    """Lets in the gateway and homes."""

    @dataclass
    class Config:
        """Whom it knows."""

        gateway_secret: str
        passwords: str

    async def authenticate(self, *, session: Session) -> bool | None:
        """Say whether ``session`` is who it says."""
        username, password = session.username or "", session.password or ""
        config: Doorkeeper.Config = self.config
        if username == GATEWAY:
            return hmac.compare_digest(password.encode(), config.gateway_secret.encode())
        lines = await asyncio.to_thread(_read, Path(config.passwords))
        return bool(username) if lines is None else _fits(lines.get(username, ""), password)


class OwnHomeOnly(BaseTopicPlugin):  # type: ignore[misc]
    """Keeps a home to its own topics, as Mosquitto's access list does."""

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,  # noqa: ARG002 - amqtt gives it by name
    ) -> bool | None:
        """Say whether ``session`` may hear or say ``topic``, which may be a filter."""
        if session is None or topic is None:
            return False
        if session.username == GATEWAY:
            return topic.startswith("homes/")
        return topic.startswith(f"homes/{session.username}/")


def _read(file: Path) -> dict[str, str] | None:
    """Return each user's line, by name, if there is such a file."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return {line.split(":", 1)[0]: line for line in text.splitlines() if ":" in line}


def _fits(line: str, password: str) -> bool:
    """Say whether ``password`` is the one of a ``$7$`` line; the other side of `password_line`."""
    try:
        _, kind, rounds, salt, derived = line.split("$")
        found = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), int(rounds))
        return kind == "7" and hmac.compare_digest(found, base64.b64decode(derived))
    except (ValueError, binascii.Error):
        return False
