"""Which provider serves which channel: chosen by settings, opened once per process."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from importlib import import_module
from typing import Final, cast

from app.core.settings import Settings, settings
from notifications.channels.local import LocalChannel
from notifications.channels.ports import Channel, Message, Outcome, PushProvider
from notifications.channels.push import PushChannel
from notifications.channels.twilio import TwilioChannel

PUSH_PROVIDERS: Final[Mapping[str, str]] = {
    "fcm": "notifications.channels.fcm:FcmProvider",
    "webpush": "notifications.channels.web_push:WebPushProvider",
}
"""Provider of a phone's pushes → the class that takes the settings. A new provider is one line here and one value in
the settings. Named, not imported: HTTP clients are slow to import, and only processes that push need them."""

_SMTP: Final = "notifications.channels.smtp"


def _push(chosen: Settings) -> Channel:
    if "local" in chosen.push.providers:
        return _local(chosen)
    providers: dict[str, PushProvider] = {}
    for name in chosen.push.providers:
        module, _, made = PUSH_PROVIDERS[name].partition(":")
        providers[name] = getattr(import_module(module), made)(chosen)
    return PushChannel(providers)


def _local(chosen: Settings) -> Channel:
    # The local twin shows people's messages on a page: it exists to be looked at, so it has no place in production.
    return NotConfigured() if chosen.environment == "production" else LocalChannel()


def _smtp(chosen: Settings) -> Channel:
    made: Channel = import_module(_SMTP).SmtpChannel(chosen)
    return made


PROVIDERS: Mapping[str, Mapping[str, Callable[[Settings], Channel]]] = {
    "sms": {"local": _local, "twilio": lambda chosen: TwilioChannel("sms", chosen.twilio)},
    "voice": {"local": _local, "twilio": lambda chosen: TwilioChannel("voice", chosen.twilio)},
    "mail": {"local": _local, "smtp": _smtp},
}
"""Channel → provider → how it is made. A new provider is one line here and one value in the settings."""

CONFIRMING: Final = frozenset({("push", "fcm"), ("push", "webpush"), ("sms", "twilio")})
"""The (channel, provider) pairs whose messages are confirmed: by the app that got them, or by the provider itself.

A call needs none: without a key pressed it has failed."""

_open: dict[str, Channel] = {}


class NotConfigured:
    """The channel of an installation that has no provider for it: everything fails at once, so fallbacks go on."""

    async def send(self, messages: Sequence[Message]) -> AsyncIterator[Sequence[Outcome]]:
        """Yield a failure for each message."""
        yield [Outcome(message.delivery_id, "failed", "channel_not_configured") for message in messages]

    async def close(self) -> None:
        """Do nothing: there is nothing open."""


def reports(channel: str) -> bool:
    """Say whether the provider of ``channel`` (sms, voice, mail) itself reports what arrived."""
    return (channel, cast(str, getattr(settings().messages, channel))) in CONFIRMING


def confirming_phones(message: Message, outcome: Outcome) -> list[uuid.UUID]:
    """Return the installations that took a push and are to say that it arrived."""
    return [
        phone.installation_id
        for phone in message.installations
        if phone.installation_id in outcome.taken and ("push", phone.provider) in CONFIRMING
    ]


def confirms(message: Message, outcome: Outcome) -> bool:
    """Say whether a receipt of a message can be expected: of a push, from one of the phones that took it."""
    return bool(confirming_phones(message, outcome)) if message.channel == "push" else reports(message.channel)


def channel(name: str) -> Channel:
    """Return the process's channel ``name`` (push, sms, voice, mail), opened at first use."""
    if name not in _open:
        chosen = settings()
        _open[name] = _push(chosen) if name == "push" else PROVIDERS[name][getattr(chosen.messages, name)](chosen)
    return _open[name]


def prepare() -> None:
    """Import what the configured providers need, so that no message has to wait for it."""
    chosen = settings()
    for name in chosen.push.providers:
        if name in PUSH_PROVIDERS:
            import_module(PUSH_PROVIDERS[name].partition(":")[0])
    if chosen.messages.mail == "smtp":
        import_module(_SMTP)


async def close_channels() -> None:
    """Close every channel of the process; a later use opens them anew with the settings of then."""
    while _open:
        _, opened = _open.popitem()
        await opened.close()
