"""The wire format of FCM HTTP v1: the message that is posted, and what an answer means.

Sources: the FCM v1 REST reference (projects.messages, ErrorCode) and "Best practices when sending FCM messages at
scale".
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from notifications.channels.ports import Message, PushAddress

MAX_PAYLOAD = 4096  # bytes
MAX_TTL = timedelta(days=28)
MAX_COLLAPSE_ID = 64  # bytes, apns-collapse-id
QUOTA_PAUSE = timedelta(seconds=60)  # after a 429 without Retry-After
UNAVAILABLE_PAUSE = timedelta(seconds=10)  # "wait at least ten seconds before the first retry"
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_TARGET_FIELDS = frozenset({"message.token", "message.fid"})
_PROMPT = frozenset({"critical", "high"})
_INTERRUPTION = {"critical": "critical", "high": "time-sensitive", "normal": "active", "low": "passive"}

Verdict = Literal["sent", "gone", "failed", "quota", "unavailable", "token"]


def collapse_id(key: str) -> str:
    """Return ``key`` as both platforms take it: as it is up to 64 bytes, its hash if it is longer or not ASCII."""
    encoded = key.encode()
    return key if len(encoded) <= MAX_COLLAPSE_ID and key.isascii() else hashlib.sha256(encoded).hexdigest()


def content(message: Message, now: datetime) -> dict[str, Any]:
    """Return the part of the request that is the same for all of a person's phones."""
    left = min(max(message.expires_at - now, timedelta(0)), MAX_TTL)
    prompt = message.urgency in _PROMPT
    key = collapse_id(message.collapse_key)
    return {
        "notification": {"title": message.title, "body": message.body},
        "data": {
            **message.data,
            "notice": message.notice_key,
            "notice_id": str(message.notice_id),
            "delivery_id": str(message.delivery_id),
            "category": message.category,
        },
        "android": {
            "priority": "high" if prompt else "normal",
            "ttl": f"{int(left.total_seconds())}s",
            "collapse_key": key,
            # The tag, not the collapse key, is what replaces a notice that is already on the screen.
            "notification": {"channel_id": message.category, "tag": key},
        },
        "apns": {
            "headers": {
                "apns-push-type": "alert",
                "apns-priority": "10" if prompt else "5",
                "apns-expiration": str(int((now + left).timestamp())),
                "apns-collapse-id": key,
            },
            "payload": {"aps": _aps(message)},
        },
    }


def _aps(message: Message) -> dict[str, Any]:
    critical = message.urgency == "critical"
    return {
        "alert": {"title": message.title, "body": message.body},
        "sound": {"critical": 1, "name": "default", "volume": 1.0} if critical else "default",
        "category": message.category,
        "thread-id": message.category,
        "interruption-level": _INTERRUPTION[message.urgency],
    }


def target(installation: PushAddress) -> dict[str, str]:
    """Return who the message is for: the installation's fid if there is one, its older token otherwise."""
    if installation.fid is not None:
        return {"fid": installation.fid}
    return {"token": installation.token or ""}


@dataclass(frozen=True, slots=True)
class Answer:
    """What FCM said: a verdict, its error code for the record, and how long it asks to be left alone."""

    verdict: Verdict
    code: str | None = None
    message_id: str | None = None
    retry_after: timedelta | None = None


def understand(status: int, headers: Mapping[str, str], body: Mapping[str, Any], now: datetime) -> Answer:
    """Return what an HTTP answer of FCM means.

    An installation is gone only when FCM says ``UNREGISTERED`` or calls its token or fid an invalid argument; 4xx are
    final, 429 holds up the whole project, 5xx pass. A 401 that is not about APNs means that our access token is bad.
    """
    if status == 200:
        return Answer("sent", message_id=str(body.get("name", "")).rpartition("/")[2])
    error = body.get("error")
    details = error.get("details", []) if isinstance(error, dict) else []
    code = next((item.get("errorCode") for item in details if item.get("@type") == _FCM_ERROR), None)
    known = str(code or (error.get("status") if isinstance(error, dict) else None) or f"HTTP_{status}")
    after = _retry_after(headers, now)
    if status == 429:
        return Answer("quota", known, retry_after=after or QUOTA_PAUSE)
    if status >= 500:
        return Answer("unavailable", known, retry_after=after or UNAVAILABLE_PAUSE)
    if status == 401 and code is None:
        return Answer("token", known)
    return Answer("gone" if _is_gone(str(code), details) else "failed", known)


def _is_gone(code: str, details: list[dict[str, Any]]) -> bool:
    if code == "UNREGISTERED":
        return True
    violations = [
        violation
        for item in details
        if item.get("@type") == _BAD_REQUEST
        for violation in item.get("fieldViolations", [])
    ]
    return code == "INVALID_ARGUMENT" and any(violation.get("field") in _TARGET_FIELDS for violation in violations)


def _retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return what ``Retry-After`` asks for (seconds or an HTTP date), at most an hour."""
    text = headers.get("Retry-After", "").strip()
    if text.isdigit():
        return min(timedelta(seconds=int(text)), timedelta(hours=1))
    try:
        return min(max(parsedate_to_datetime(text) - now, timedelta(0)), timedelta(hours=1))
    except (TypeError, ValueError):
        return None
