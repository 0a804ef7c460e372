"""The access token for FCM: made from the service account's key, renewed before it expires, once for all callers."""

import asyncio
import time
from functools import partial
from typing import Any

import structlog
from firebase_admin import credentials
from google.auth.credentials import TokenState
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request

from app.core.sending_settings import PushSettings

TIMEOUT = 10.0  # seconds for one call to the token endpoint
LOOK_SECONDS = 1.0  # between two looks at whether the token is still good

log = structlog.get_logger(__name__)


class TokenUnavailable(RuntimeError):  # noqa: N818 - says what happened
    """No access token can be had at the moment; says nothing about the message."""


class AccessToken:
    """Hands out the current token. The library blocks, so it runs in a thread; the key file is read at first use."""

    def __init__(self, settings: PushSettings) -> None:
        self._settings = settings
        self._credential: Any = None
        self._renewal: asyncio.Task[None] | None = None
        self._looked_at = -LOOK_SECONDS

    async def current(self) -> str:
        """Return a token that is good for a while; raises ``TokenUnavailable``.

        One that runs out soon is used while it is renewed, and for as long as it is good should that fail. Without any,
        all wait for the same renewal.
        """
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            state = self._credential.token_state if self._credential else TokenState.INVALID
            if state is not TokenState.FRESH:
                renewal = self._renewed()
                if state is TokenState.INVALID:
                    await asyncio.shield(renewal)
            self._looked_at = time.monotonic()
        token: str = self._credential.token
        return token

    def reject(self, token: str) -> None:
        """Forget ``token``, which FCM refused; a newer one stays."""
        if self._credential is not None and self._credential.token == token:
            self._credential.token = None
            self._looked_at = -LOOK_SECONDS

    def _renewed(self) -> asyncio.Task[None]:
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(asyncio.to_thread(self._refresh))
            self._renewal.add_done_callback(_take_note)
        return self._renewal

    def _refresh(self) -> None:
        request = Request()
        try:
            if self._credential is None:
                self._credential = self._load()
            self._credential.refresh(partial(request, timeout=TIMEOUT))
        except (GoogleAuthError, OSError, ValueError) as error:
            raise TokenUnavailable(type(error).__name__) from error
        finally:
            request.session.close()

    def _load(self) -> Any:
        file = self._settings.fcm_credentials
        source = credentials.Certificate(str(file)) if file else credentials.ApplicationDefault()
        credential = source.get_credential()
        endpoint = self._settings.fcm_token_endpoint
        return credential.with_token_uri(endpoint) if endpoint else credential


def _take_note(renewal: asyncio.Task[None]) -> None:
    error = None if renewal.cancelled() else renewal.exception()
    if error is not None:
        log.warning("fcm_token_unavailable", error=str(error))
