"""How what stands still is named over HTTP, and what an installation is connected to."""

import uuid
from typing import get_args

from app.core.problems import NotFound
from app.core.settings import Settings
from app.policies.journeys.operations.schemas import Kind, ProviderState


def named(kind: Kind, name: str, about: uuid.UUID) -> str:
    """Return the id of something that stands still: of a delivery its own says all."""
    return f"{kind}:{about}" if kind == "delivery" else f"{kind}:{name}:{about}"


def read(item_id: str) -> tuple[Kind, str, uuid.UUID]:
    """Return kind, name and what it is about of an id that ``named`` made; raises ``NotFound`` for any other text."""
    kind, _, rest = item_id.partition(":")
    name, _, about = rest.rpartition(":")
    if kind not in get_args(Kind) or (kind == "delivery") == bool(name):
        raise NotFound
    try:
        return kind, name, uuid.UUID(about)  # type: ignore[return-value]  # it is one of the kinds
    except ValueError:
        raise NotFound from None


def providers(current: Settings, *, has_broker: bool) -> list[ProviderState]:
    """Return what this installation is connected to: names of ways, never an address or a key."""
    messages, video = current.messages, current.video
    outgoing = (("sms", messages.sms), ("voice", messages.voice), ("mail", messages.mail))
    beside = (
        ("smart_homes", ["mqtt"] if has_broker else []),
        ("payments", ["stripe"] if current.stripe.secret_key is not None else []),
        ("video_relay", ["turn"] if video.turn_urls else ["stun"] if video.stun_urls else []),
        ("insurers", ["fhir"] if current.insurers.fhir else []),
        ("files", ["s3" if current.media.s3_bucket else "disk"]),
        ("sign_in", list(current.signin.methods)),
    )
    pushes: list[str] = [*current.push.providers]
    return [
        ProviderState(what="push", through=pushes, reaches_people=pushes != ["local"]),
        *(
            ProviderState.model_validate({"what": what, "through": [way], "reaches_people": way != "local"})
            for what, way in outgoing
        ),
        *(
            ProviderState.model_validate({"what": what, "through": ways, "reaches_people": bool(ways)})
            for what, ways in beside
        ),
    ]
