"""Where a page finds its way to the others: STUN, and TURN with credentials that are good for a while.

The credentials are those of the TURN REST API (draft-uberti-behave-turn-rest-00, coturn's ``use-auth-secret``): the
user name says until when they are good, the password is its HMAC-SHA1 under the secret that the relay shares with us.
"""

import base64
import hmac
import uuid
from datetime import datetime, timedelta
from typing import Any

from app.core import clock
from app.core.settings import settings
from app.core.video_settings import VideoSettings


def turn_credentials(secret: str, user: uuid.UUID, expires_at: datetime) -> tuple[str, str]:
    """Return user name and password for a relay that shares ``secret``."""
    name = f"{int(expires_at.timestamp())}:{user}"
    # SHA-1 is the scheme's; as HMAC it is sound.
    password = base64.b64encode(hmac.digest(secret.encode(), name.encode(), "sha1")).decode()
    return name, password


def ice(user: uuid.UUID) -> dict[str, Any]:
    """Return the configuration of peer connections: servers, policy, and when the credentials end."""
    return ice_of(settings().video, user, clock.now())


def ice_of(video: VideoSettings, user: uuid.UUID, now: datetime) -> dict[str, Any]:
    """Return the same under given settings at a given instant."""
    expires_at = now + timedelta(minutes=video.turn_minutes)
    servers: list[dict[str, Any]] = []
    if video.stun_urls:
        servers.append({"urls": list(video.stun_urls)})
    if video.turn_urls and video.turn_secret is not None:
        name, password = turn_credentials(video.turn_secret.get_secret_value(), user, expires_at)
        servers.append({"urls": list(video.turn_urls), "username": name, "credential": password})
    return {
        "iceServers": servers,
        "iceTransportPolicy": "relay" if video.relay_only else "all",
        "expires_at": expires_at.isoformat(),
    }
