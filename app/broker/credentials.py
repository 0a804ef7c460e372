"""Who may enter the broker and what they may hear and say there, as the two files Mosquitto reads."""

import base64
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

# What mosquitto_passwd itself writes. The secrets are random, 128 bits and more: a dearer derivation would protect
# nothing, and a broker that starts anew has all homes knocking at once.
_ROUNDS: Final = 101
_SALT_BYTES: Final = 12
_USERNAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
PASSWORDS_FILE: Final = "passwords"
ACL_FILE: Final = "acl"


def password_line(username: str, secret: str) -> str:
    """Return a user's line of Mosquitto's password file: ``$7$``, which is PBKDF2 with SHA-512.

    Raises ``ValueError`` for a name that would mean something else there.
    """
    _require_plain(username)
    salt = secrets.token_bytes(_SALT_BYTES)
    derived = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, _ROUNDS)
    return f"{username}:$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"


def acl_text(gateway: str) -> str:
    """Return Mosquitto's access list: ``gateway`` has all homes, and each user the home called as they are.

    Raises ``ValueError`` for a name that would mean something else there.
    """
    _require_plain(gateway)
    return f"user {gateway}\ntopic readwrite homes/#\n\npattern readwrite homes/%u/#\n"


def write_files(directory: Path, gateway: str, lines: Iterable[str]) -> None:
    """Put the access list and the passwords into ``directory``, each all at once and for its owner's eyes only."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(directory / ACL_FILE, acl_text(gateway))
    _write(directory / PASSWORDS_FILE, "".join(f"{line}\n" for line in lines))


def _write(file: Path, text: str) -> None:
    number, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")  # 0600 by itself
    try:
        with os.fdopen(number, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _require_plain(username: str) -> None:
    if not _USERNAME.fullmatch(username):
        raise ValueError("a user's name at the broker is up to 64 letters, digits, dots, dashes and underscores")
