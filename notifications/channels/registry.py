"""Which provider serves which channel: chosen by settings, opened once per process."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from importlib import import_module
from typing import Final, cast

from app.core.settings import Settings, settings
from notifications.channels.local import LocalChannel
from notifications.channels.ports import Channel, Message, Outcome

_FCM: Final = "notifications.channels.fcm"


def _fcm(chosen: Settings) -> Channel:
    """Return the push channel of FCM, whose HTTP client is slow to import: only processes that push need it."""
    made: Channel = import_module(_FCM).FcmChannel(chosen.push)
    return made


PROVIDERS: Mapping[str, Mapping[str, Callable[[Settings], Channel]]] = {
    "push": {"local": lambda _: LocalChannel(), "fcm": _fcm},
    "sms": {"local": lambda _: LocalChannel()},
    "voice": {"local": lambda _: LocalChannel()},
    "mail": {"local": lambda _: LocalChannel()},
}
"""Channel → provider → how it is made. A new provider is one line here and one value in the settings."""

CONFIRMING: Final = frozenset({("push", "fcm")})
"""The (channel, provider) pairs whose messages are confirmed: by the app that got them, or by the provider itself."""

_open: dict[str, Channel] = {}


class NotConfigured:
    """The channel of an installation that has no provider for it: everything fails at once, so fallbacks go on."""

    async def send(self, messages: Sequence[Message]) -> AsyncIterator[Sequence[Outcome]]:
        """Yield a failure for each message."""
        yield [Outcome(message.delivery_id, "failed", "channel_not_configured") for message in messages]

    async def close(self) -> None:
        """Do nothing: there is nothing open."""


def provider_of(channel: str, chosen: Settings) -> str:
    """Return the name of the provider the settings choose for ``channel``."""
    return chosen.push.provider if channel == "push" else cast(str, getattr(chosen.messages, channel))


def confirms(channel: str) -> bool:
    """Say whether a receipt can be expected of what is sent over ``channel``."""
    return (channel, provider_of(channel, settings())) in CONFIRMING


def channel(name: str) -> Channel:
    """Return the process's channel ``name`` (push, sms, voice, mail), opened at first use."""
    if name not in _open:
        chosen = settings()
        provider = provider_of(name, chosen)
        # The local twin shows people's messages on a page: it exists to be looked at, so it has no place in production.
        hidden = provider == "local" and chosen.environment == "production"
        _open[name] = NotConfigured() if hidden else PROVIDERS[name][provider](chosen)
    return _open[name]


def prepare() -> None:
    """Import what the configured providers need, so that no message has to wait for it."""
    if settings().push.provider == "fcm":
        import_module(_FCM)


async def close_channels() -> None:
    """Close every channel of the process; a later use opens them anew with the settings of then."""
    while _open:
        _, opened = _open.popitem()
        await opened.close()
