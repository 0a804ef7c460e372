"""The wire format of FCM HTTP v1: the message that is posted, and what an answer means.

Sources: the FCM v1 REST reference (projects.messages, ErrorCode) and "Best practices when sending FCM messages at
scale".
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from notifications.channels.http import retry_after
from notifications.channels.ports import Answer, Message, PushAddress
from notifications.channels.push_messages import URGENCY, collapse_id, data, left, topic

MAX_PAYLOAD = 4096  # bytes
QUOTA_PAUSE = timedelta(seconds=60)  # after a 429 without Retry-After
UNAVAILABLE_PAUSE = timedelta(seconds=10)  # "wait at least ten seconds before the first retry"
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_TARGET_FIELDS = frozenset({"message.token", "message.fid"})
_PROMPT = frozenset({"critical", "high"})
_INTERRUPTION = {"critical": "critical", "high": "time-sensitive", "normal": "active", "low": "passive"}

_PRIORITY = {"critical": "PRIORITY_MAX", "high": "PRIORITY_HIGH", "normal": "PRIORITY_DEFAULT", "low": "PRIORITY_LOW"}


def content(message: Message, now: datetime) -> dict[str, Any]:
    """Return the part of the request that is the same for all of a person's phones."""
    of_use = left(message, now)
    seconds = int(of_use.total_seconds())
    critical, prompt = message.urgency == "critical", message.urgency in _PROMPT
    key = collapse_id(message.collapse_key)
    return {
        "notification": {"title": message.title, "body": message.body},
        "data": data(message),
        "android": {
            "priority": "high" if prompt else "normal",
            "ttl": f"{seconds}s",
            "collapse_key": key,
            "direct_boot_ok": critical,  # also before the phone is unlocked for the first time after a restart
            "notification": {
                "channel_id": message.category,
                "tag": key,  # it, not the collapse key, is what replaces a notice that is already on the screen
                "notification_priority": _PRIORITY[message.urgency],
                "visibility": "PRIVATE",
                "default_sound": True,
            },
        },
        "apns": {
            "headers": {
                "apns-push-type": "alert",
                "apns-priority": "10" if prompt else "5",
                "apns-expiration": str(int((now + of_use).timestamp())),
                "apns-collapse-id": key,
            },
            "payload": {"aps": _aps(message)},
        },
        "webpush": {
            "headers": {"TTL": str(seconds), "Urgency": URGENCY[message.urgency], "Topic": topic(key)},
            "notification": {"tag": key, "renotify": prompt, "requireInteraction": critical, "lang": message.language},
        },
    }


def payload_bytes(shared: Mapping[str, Any]) -> int:
    """Return how many of FCM's ``MAX_PAYLOAD`` bytes a message's texts and data come to."""
    return len(orjson.dumps(shared["notification"])) + len(orjson.dumps(shared["data"]))


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


def understand(status: int, headers: Mapping[str, str], body: Mapping[str, Any], now: datetime) -> Answer | None:
    """Return what an HTTP answer of FCM means; ``None`` if it refuses our access token.

    An installation is gone only when FCM says ``UNREGISTERED`` or calls its token or fid an invalid argument; 4xx are
    final, 429 holds up the whole project, 5xx pass. A 401 that is not about APNs means that our access token is bad.
    """
    if status == 200:
        return Answer("sent", message_id=str(body.get("name", "")).rpartition("/")[2])
    error = body.get("error")
    details = error.get("details", []) if isinstance(error, dict) else []
    code = next((item.get("errorCode") for item in details if item.get("@type") == _FCM_ERROR), None)
    known = str(code or (error.get("status") if isinstance(error, dict) else None) or f"HTTP_{status}")
    after = retry_after(headers, now)
    if status == 429:
        return Answer("quota", known, retry_after=after or QUOTA_PAUSE)
    if status >= 500:
        return Answer("unavailable", known, retry_after=after or UNAVAILABLE_PAUSE)
    if status == 401 and code is None:
        return None
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
