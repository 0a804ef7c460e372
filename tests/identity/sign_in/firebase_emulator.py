"""The real Firebase Auth emulator: installed if it is missing, started on free ports, stopped by its process."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests import node

PROJECT = "demo-hearthline"
_EMULATORS = Path(__file__).parents[2] / "emulators"


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [opened.getsockname()[1] for opened in sockets]


@dataclass
class FirebaseEmulator:
    """A running emulator, spoken to as an app (and as its console) would."""

    host: str

    def _post(self, path: str, body: dict[str, Any], **options: Any) -> dict[str, Any]:
        url = f"http://{self.host}/identitytoolkit.googleapis.com/v1/{path}"
        answer = httpx.post(url, json=body, trust_env=False, **options)
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content

    def _as_app(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._post(f"accounts:{path}", body, params={"key": "app"})

    def sign_in_by_phone(self, phone: str) -> dict[str, Any]:
        """Go through Firebase's phone sign-in; the answer has ``idToken`` and ``localId``."""
        challenge = self._as_app("sendVerificationCode", {"phoneNumber": phone, "recaptchaToken": "app"})
        url = f"http://{self.host}/emulator/v1/projects/{PROJECT}/verificationCodes"
        codes = httpx.get(url, trust_env=False).json()["verificationCodes"]
        code = next(entry["code"] for entry in codes if entry["sessionInfo"] == challenge["sessionInfo"])
        return self._as_app("signInWithPhoneNumber", {"sessionInfo": challenge["sessionInfo"], "code": code})

    def sign_up_by_mail(self, email: str) -> dict[str, Any]:
        """Create a login with a mail address nobody has verified yet."""
        return self._as_app("signUp", {"email": email, "password": "a long one", "returnSecureToken": True})

    def sign_in_by_mail(self, email: str) -> dict[str, Any]:
        """Sign in with the mail address."""
        body = {"email": email, "password": "a long one", "returnSecureToken": True}
        return self._as_app("signInWithPassword", body)

    def change(self, local_id: str, **changes: Any) -> None:
        """Change a login as the console does: ``emailVerified``, ``disableUser``, ``validSince``."""
        self._post(
            f"projects/{PROJECT}/accounts:update",
            {"localId": local_id, **changes},
            headers={"Authorization": "Bearer owner"},
        )


@contextmanager
def running_emulator(directory: Path) -> Iterator[FirebaseEmulator]:
    """Run the emulator with its files in ``directory``."""
    program = node.packages(_EMULATORS) / "firebase-tools" / "lib" / "bin" / "firebase.js"
    auth, hub, logging = _free_ports(3)
    config = {
        "emulators": {
            "auth": {"host": "127.0.0.1", "port": auth},
            "hub": {"host": "127.0.0.1", "port": hub},
            "logging": {"host": "127.0.0.1", "port": logging},
            "ui": {"enabled": False},
            "singleProjectMode": True,
        }
    }
    (directory / "firebase.json").write_text(json.dumps(config))
    environment = {
        "PATH": node.PATH,
        "HOME": str(directory),
        "XDG_CONFIG_HOME": str(directory / "config"),
        "NO_UPDATE_NOTIFIER": "1",
        "FIREBASE_CLI_DISABLE_UPDATE_CHECK": "1",
        "CI": "1",
    }
    command = [str(node.NODE), str(program), "emulators:start", "--only", "auth", "--project", PROJECT]
    with subprocess.Popen(
        command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            _wait_until_ready(process)
            yield FirebaseEmulator(f"127.0.0.1:{auth}")
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "All emulators ready" in line:
            return
    raise AssertionError(f"the emulator did not start:\n{''.join(said)}")
