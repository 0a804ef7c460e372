"""The access token for FCM: made from the service account's key, renewed before it expires, by one caller at a time."""

import asyncio
from functools import partial
from typing import Any

from firebase_admin import credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request

from app.core.settings import PushSettings

TIMEOUT = 10.0  # seconds for one call to the token endpoint


class TokenUnavailable(RuntimeError):  # noqa: N818 - says what happened
    """No access token can be had at the moment; says nothing about the message."""


class AccessToken:
    """Hands out the current token. The library blocks, so it runs in a thread; the key file is read at first use."""

    def __init__(self, settings: PushSettings) -> None:
        self._settings = settings
        self._credential: Any = None
        self._lock = asyncio.Lock()

    async def current(self) -> str:
        """Return a token that is good for a while; raises ``TokenUnavailable``."""
        if self._credential is None or not self._credential.valid:
            async with self._lock:
                if self._credential is None or not self._credential.valid:
                    await asyncio.to_thread(self._refresh)
        token: str = self._credential.token
        return token

    def reject(self, token: str) -> None:
        """Forget ``token``, which FCM refused; a newer one stays."""
        if self._credential is not None and self._credential.token == token:
            self._credential.token = None

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
