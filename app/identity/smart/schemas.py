"""What the routes about SMART's clients and people's connected apps take and answer."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from app.identity.clients.schemas import Scope
from app.identity.scopes import GRANTABLE
from app.identity.smart.rules import redirects
from app.identity.smart.rules.keys import MOST_KEYS, public_key

_KEPT: Final = ("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y")


def _key(document: dict[str, Any]) -> dict[str, Any]:
    public_key(document)
    return {name: document[name] for name in _KEPT if name in document}


def _redirect(address: str) -> str:
    redirects.check(address)
    return address


PublicKey = Annotated[dict[str, Any], AfterValidator(_key)]
RedirectUri = Annotated[str, AfterValidator(_redirect), Field(max_length=500)]


class ClientKeySet(BaseModel):
    """Public keys of a client (RFC 7517): RSA of at least 2048 bits for RS384, or EC on P-384 for ES384."""

    keys: list[PublicKey] = Field(min_length=1, max_length=MOST_KEYS)

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        if len({key["kid"] for key in self.keys}) < len(self.keys):
            raise ValueError("every key has a kid of its own")
        return self


class SmartClientReplace(BaseModel):
    """How a client shows who it is, and where it has people sent back to if it is an app."""

    jwks: ClientKeySet | None = None
    jwks_uri: str | None = Field(
        default=None, max_length=500, description="https; fetched when it is needed, as Cache-Control says"
    )
    redirect_uris: list[RedirectUri] = Field(
        default_factory=list, max_length=redirects.MOST, description="of an app; compared as they stand"
    )

    @model_validator(mode="after")
    def _keys_once(self) -> Self:
        if self.jwks is not None and self.jwks_uri is not None:
            raise ValueError("either jwks or jwks_uri")
        return self


class SmartClientCreate(SmartClientReplace):
    """A system that acts for the organization, or an app that acts for people who agree to it."""

    name: str = Field(min_length=1, max_length=120, description="as people read it when they are asked")
    scopes: list[Scope] = Field(min_length=1, max_length=len(GRANTABLE), description="the most it can ever do")

    @model_validator(mode="after")
    def _shows_itself(self) -> Self:
        if not self.redirect_uris and self.jwks is None and self.jwks_uri is None:
            raise ValueError("a system shows itself by jwks or jwks_uri, an app names redirect_uris")
        return self


class SmartClientPublic(BaseModel):
    """A client as it is registered."""

    client_id: uuid.UUID
    name: str
    scopes: list[str]
    jwks_uri: str | None
    key_ids: list[str] = Field(description="of the keys in jwks")
    redirect_uris: list[str]
    version: int


class ConnectedApp(BaseModel):
    """An app a person agreed to."""

    id: uuid.UUID
    client_id: uuid.UUID
    name: str
    organization: str = Field(description="whose app it is")
    scopes: list[str] = Field(description="SMART scopes")
    resident_id: uuid.UUID | None = Field(description="whom it is about, if about one resident")
    resident_name: str | None
    connected_at: datetime
    last_used_at: datetime | None = Field(description="when it was last given a token")
    ends_at: datetime = Field(description="unless it goes on being used")
