"""The wire format of Twilio's REST API: the forms that are posted, and what an answer means.

Sources: "Messages resource", "Calls resource", "Using Variables with Content Templates", "Outbound Message Status in
Status Callbacks" and the error dictionary (20003, 20429, 21211, 21610, 21614, …) at https://www.twilio.com/docs.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from app.core.sending_settings import TwilioSettings
from notifications.channels import twilio_links
from notifications.channels.http import retry_after
from notifications.channels.ports import Message

VALIDITY: Final = (5, 36_000)  # seconds in the provider's queue: what it recommends at least and takes at most
PAUSE: Final = timedelta(seconds=10)  # after a 429 without Retry-After
_NO_SUCH_NUMBER: Final = frozenset({21211, 21214, 21217, 21219, 21265, 21614, 21635})
_OPTED_OUT: Final = 21610

Verdict = Literal["sent", "failed", "quota", "unavailable"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider said: a verdict, its code for the record, and how long it asks to be left alone."""

    verdict: Verdict
    code: str | None = None
    sid: str | None = None
    retry_after: timedelta | None = None


def text_message(message: Message, settings: TwilioSettings, now: datetime) -> dict[str, str]:
    """Return the form that sends a text message: its text, or the registered template with its variables."""
    form = {
        "To": message.address or "",
        "StatusCallback": twilio_links.url("messages", message.delivery_id),
        "ValidityPeriod": str(_validity(message.expires_at - now)),
    }
    if settings.messaging_service:
        form["MessagingServiceSid"] = settings.messaging_service
    else:
        form["From"] = settings.from_number or ""
    template = settings.templates.get(message.notice_key, {}).get(message.language)
    if template is None:
        return form | {"Body": message.body}
    form["ContentSid"] = template
    # An empty value makes the provider refuse the message: it then uses the template's sample.
    variables = {name: value for name, value in message.variables.items() if value}
    return form | ({"ContentVariables": json.dumps(variables, ensure_ascii=False)} if variables else {})


def call(message: Message, settings: TwilioSettings) -> dict[str, str]:
    """Return the form that makes a call; what is spoken is fetched from us when somebody picks up."""
    form = {
        "To": message.address or "",
        "From": settings.from_number or "",
        "Url": twilio_links.url("calls", message.delivery_id, "speech"),
        "Method": "POST",
        "StatusCallback": twilio_links.url("calls", message.delivery_id),
        "StatusCallbackMethod": "POST",
        "Timeout": str(settings.ring_seconds),
    }
    return form | ({"MachineDetection": "Enable"} if settings.machine_detection else {})


def understand(status: int, headers: Mapping[str, str], body: Mapping[str, object], now: datetime) -> Answer:
    """Return what an HTTP answer means.

    A number that is none and one that opted out are final, and so are other refusals of this very message; refused
    credentials are nothing the message can help, so it waits like after a 5xx for somebody to mend them.
    """
    if 200 <= status < 300:
        sid = body.get("sid")
        return Answer("sent", sid=str(sid) if sid else None)
    code = body.get("code")
    known = str(code) if code else f"HTTP_{status}"
    after = retry_after(headers, now)
    if status == 429:
        return Answer("quota", known, retry_after=after or PAUSE)
    if status >= 500 or status in (401, 403):
        return Answer("unavailable", known, retry_after=after)
    return Answer("failed", reason(known))


def reason(code: str) -> str:
    """Return our word for an error code of the provider, the code itself if we have none."""
    number = int(code) if code.isdecimal() else 0
    if number == _OPTED_OUT:
        return "opted_out"
    return "invalid_number" if number in _NO_SUCH_NUMBER else code


def _validity(left: timedelta) -> int:
    least, most = VALIDITY
    return min(max(math.floor(left.total_seconds()), least), most)
