"""Push through Firebase Cloud Messaging (HTTP v1): our own pooled client on the SDK's credentials."""

from contextlib import suppress

import orjson

from app.core import clock
from app.core.settings import Settings
from notifications.channels.fcm_messages import MAX_PAYLOAD, content, payload_bytes, target, understand
from notifications.channels.fcm_token import AccessToken, TokenUnavailable
from notifications.channels.ports import Answer, Message, PushAddress
from notifications.channels.posting import Poster, Unanswered
from notifications.channels.quota import Quota

CONNECTIONS = 100  # per lane


class FcmProvider:
    """Posts to one project of Firebase; its quota is shared by all workers."""

    def __init__(self, settings: Settings) -> None:
        push = settings.push
        if not push.fcm_project:
            raise ValueError("HEARTHLINE_PUSH_FCM_PROJECT is missing")
        self._url = f"{push.fcm_endpoint}/v1/projects/{push.fcm_project}/messages:send"
        self._service = f"fcm:{push.fcm_project}"
        self._timeout = push.fcm_timeout
        self._token = AccessToken(push)
        self._posters: dict[bool, Poster] = {}
        self._quota = Quota(self._service, push.fcm_per_minute)

    def service_of(self, installation: PushAddress) -> str:  # noqa: ARG002 - the protocol's signature
        """Return the project: its quota holds up all phones."""
        return self._service

    async def post(self, message: Message, installation: PushAddress) -> Answer:
        """Post ``message`` to the phone; once more if the access token was refused."""
        critical = message.urgency == "critical"
        if not critical and (wait := await self._quota.take()) is not None:
            return Answer("paused", "quota_used_up", retry_after=wait)
        shared = content(message, clock.now())
        if payload_bytes(shared) > MAX_PAYLOAD:
            return Answer("failed", "message_too_big")
        body = orjson.dumps({"message": {**target(installation), **shared}})
        # The token was revoked or ran out on the way: once more with a new one.
        answer = await self._try(body, critical=critical) or await self._try(body, critical=critical) or _REFUSED
        if answer.verdict == "quota" and answer.retry_after is not None:
            await self._quota.pause(answer.retry_after)
        return answer

    async def close(self) -> None:
        """Close the connections."""
        while self._posters:
            _, poster = self._posters.popitem()
            await poster.close()

    async def _try(self, body: bytes, *, critical: bool) -> Answer | None:
        """Return FCM's answer, ``None`` if it refused the access token."""
        try:
            token = await self._token.current()
        except TokenUnavailable:
            return Answer("unavailable", "token_unavailable")
        try:
            reply = await self._poster(critical=critical).post(body, f"Bearer {token}")
        except Unanswered as error:
            return Answer("unavailable", error.code)
        document: object = None
        with suppress(orjson.JSONDecodeError):  # a proxy's error page: the status says enough
            document = orjson.loads(reply.body)
        parsed = document if isinstance(document, dict) else {}
        answer = understand(reply.status, reply.headers, parsed, clock.now())
        if answer is None:
            self._token.reject(token)
        return answer

    def _poster(self, *, critical: bool) -> Poster:
        # Critical messages have connections of their own: they never wait for one that a bulk message holds.
        poster = self._posters.get(critical)
        if poster is None:
            poster = self._posters[critical] = Poster(self._url, connections=CONNECTIONS, timeout=self._timeout)
        return poster


_REFUSED = Answer("unavailable", "UNAUTHENTICATED")
