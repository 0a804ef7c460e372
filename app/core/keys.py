"""The process's keys: from the settings, or, outside production, made once and kept in the data directory."""

import base64
import binascii
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from app.core.settings import Settings, settings

KEY_BYTES = 32
_FILE = "keys.json"
_DEVELOPMENT_KEY_ID = "dev1"


class BadKey(ValueError):  # noqa: N818 - names the key that is bad
    """A key in the settings is not 32 bytes in base64; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What seals, looks up and signs; each key is 32 bytes."""

    sealing: dict[str, bytes]
    active: str
    blind_index: bytes
    cursor: bytes
    signing_seed: bytes


_loaded: tuple[Settings, Keys] | None = None


def keys() -> Keys:
    """Return the keys of the process's settings.

    Raises ``BadKey`` naming the variable whose value is not a key.
    """
    global _loaded  # noqa: PLW0603 - read once per set of settings
    current = settings()
    if _loaded is None or _loaded[0] is not current:
        _loaded = (current, _load(current))
    return _loaded[1]


def _load(current: Settings) -> Keys:
    group = current.keys
    own = _Own(current.directory)
    ring = {key_id: _decode("SEALING", key) for key_id, key in group.sealing.items()}
    active = group.active
    if not ring:
        ring, active = {_DEVELOPMENT_KEY_ID: own.key("sealing")}, _DEVELOPMENT_KEY_ID
    if any("." in key_id for key_id in ring):
        raise BadKey("HEARTHLINE_KEYS_SEALING: an id must not contain a full stop")
    if active not in ring:
        raise BadKey("HEARTHLINE_KEYS_ACTIVE names no key of HEARTHLINE_KEYS_SEALING")
    return Keys(
        sealing=ring,
        active=active,
        blind_index=_given_or(group.blind_index, "BLIND_INDEX", lambda: own.key("blind_index")),
        cursor=_given_or(group.cursor, "CURSOR", lambda: own.key("cursor")),
        signing_seed=_given_or(group.signing, "SIGNING", lambda: own.key("signing")),
    )


def _given_or(given: SecretStr | None, name: str, make: Callable[[], bytes]) -> bytes:
    return make() if given is None else _decode(name, given)


def _decode(name: str, key: SecretStr) -> bytes:
    try:
        decoded = base64.b64decode(key.get_secret_value(), validate=True)
    except binascii.Error:
        decoded = b""
    if len(decoded) != KEY_BYTES:
        raise BadKey(f"HEARTHLINE_KEYS_{name} must hold 32 bytes in base64")
    return decoded


class _Own:
    """The keys of an installation that was given none: a file only its owner can read, made at first use."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / _FILE

    def key(self, name: str) -> bytes:
        stored: dict[str, str] = self._read()
        return base64.b64decode(stored[name])

    def _read(self) -> dict[str, str]:
        if not self._path.exists():
            self._make()
        content: dict[str, str] = json.loads(self._path.read_text())
        return content

    def _make(self) -> None:
        names = ("sealing", "blind_index", "cursor", "signing")
        made = {name: base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() for name in names}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Written beside and linked into place: two processes starting at once agree on the first one's keys.
        draft = self._path.with_name(f"{_FILE}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(made, file)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, self._path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
