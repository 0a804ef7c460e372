"""A mail as it leaves: plain text first, the same words in simple HTML, and the headers that programs act on."""

from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from importlib.resources import files
from typing import Final
from urllib.parse import urlencode

from jinja2 import Environment, StrictUndefined, Template

from app.core import clock
from app.core.sending_settings import SmtpSettings
from notifications.channels.ports import Message
from notifications.unsubscribing.links import Subscription, link

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {"open": "Open Hearthline", "leave": "No more of these mails"},
    "zh-CN": {"open": "打开 Hearthline", "leave": "不再接收此类邮件"},
}

_POLICY: Final = SMTP.clone(cte_type="7bit")  # no server has to know 8BITMIME
_NO_BREAKS: Final = {ord(char): " " for char in "\r\n"}


@cache
def _page() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((files("notifications.channels") / "mail.html").read_text(encoding="utf-8"))


def address_of(sender: str) -> Address:
    """Return a sender as the settings write it: ``Name <address>`` or an address."""
    name, address = parseaddr(sender)
    return Address(name, addr_spec=address)


def message_id(message: Message, sender: Address) -> str:
    """Return the Message-ID: that of the delivery, so a mail that is sent again is known to be the same."""
    return f"<{message.delivery_id}@{sender.domain}>"


def made(message: Message, settings: SmtpSettings) -> bytes:
    """Return the mail as it goes over the wire, in ASCII.

    Raises ``ValueError`` for an address that is none (``UnicodeError``, one that is not ASCII, among them).
    """
    sender = address_of(settings.sender or "")
    recipient = Address(message.recipient_name.translate(_NO_BREAKS), addr_spec=message.address or "")
    recipient.addr_spec.encode("ascii")
    leave = link(Subscription(message.account_id, message.category, message.channel))
    mail = EmailMessage(policy=_POLICY)
    mail["From"], mail["To"] = sender, recipient
    mail["Subject"] = (message.title or "").translate(_NO_BREAKS)
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = message_id(message, sender)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers from machines
    if leave:
        mail["List-Unsubscribe"] = f"<{leave}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    words = _WORDS[message.language]
    action = _action(message, settings)
    mail.set_content(_plain(message.body, words, action, leave))
    mail.add_alternative(
        _page().render(
            language=message.language,
            title=message.title,
            paragraphs=[part.splitlines() for part in message.body.split("\n\n") if part.strip()],
            words=words,
            action=action,
            leave=leave,
        ),
        subtype="html",
    )
    if message.attachment is not None:
        found = message.attachment
        # Last of the alternatives: what a program can read it prefers.
        mail.add_alternative(
            found.content, subtype=found.subtype, charset="utf-8", cte="base64", params=dict(found.parameters)
        )
    mail["Content-Language"] = message.language  # only now: new content takes the headers of older content away
    return mail.as_bytes()


def _action(message: Message, settings: SmtpSettings) -> str | None:
    if settings.app_link is None:
        return None
    separator = "&" if "?" in settings.app_link else "?"
    return f"{settings.app_link}{separator}{urlencode({'notice': message.notice_id})}"


def _plain(body: str, words: Mapping[str, str], action: str | None, leave: str | None) -> str:
    parts = [body]
    if action:
        parts.append(f"{words['open']}: {action}")
    if leave:
        parts.append(f"-- \n{words['leave']}: {leave}")
    return "\n\n".join(parts) + "\n"
