"""The messages on the line of a video visit: what a page sends, told by ``type``."""

import uuid
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator

MAX_MESSAGE = 16_384
"""Bytes of one message: a session description of four people with all codecs stays well below."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Hello(_Message):
    """The first message: who is there, and how far they have heard."""

    type: Literal["hello"]
    secret: str | None = Field(default=None, alias="pass", max_length=200)
    access_token: str | None = Field(default=None, max_length=4096)
    instance: uuid.UUID = Field(description="of the page: the same as before, and peers go on as they are")
    after: int = Field(default=0, ge=0, description="the number of the last signal that arrived")

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if (self.secret is None) == (self.access_token is None):
            raise ValueError("give either a pass or an access token")
        return self


class Description(_Message):
    """A session description (W3C WebRTC ``RTCSessionDescriptionInit``)."""

    type: Literal["offer", "answer", "rollback"]
    sdp: str = ""


class Candidate(_Message):
    """A route (W3C WebRTC ``RTCIceCandidateInit``)."""

    candidate: str = Field(max_length=2000)
    sdp_mid: str | None = Field(default=None, alias="sdpMid", max_length=64)
    sdp_line: int | None = Field(default=None, alias="sdpMLineIndex", ge=0, le=255)
    fragment: str | None = Field(default=None, alias="usernameFragment", max_length=256)


class Give(_Message):
    """A description or a route for one of the others, as their page is now."""

    type: Literal["signal"]
    to: uuid.UUID
    instance: uuid.UUID = Field(description="of the other's page: what was meant for an earlier one is worthless")
    description: Description | None = None
    candidate: Candidate | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.description is None) == (self.candidate is None):
            raise ValueError("give either a description or a candidate")
        return self


class Chat(_Message):
    """Words to everybody in the visit; they are kept nowhere."""

    type: Literal["chat"]
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class Acknowledge(_Message):
    """All signals up to a number have arrived."""

    type: Literal["ack"]
    number: int = Field(ge=0)


class Admit(_Message):
    """The clinician lets somebody in."""

    type: Literal["admit"]
    participant_id: uuid.UUID


class Remove(_Message):
    """The clinician puts somebody out."""

    type: Literal["remove"]
    participant_id: uuid.UUID


class Plain(_Message):
    """Something that needs no more words: ``phone`` is the wish to telephone, ``ice`` asks for fresh credentials."""

    type: Literal["end", "leave", "phone", "ice"]


ClientMessage = Annotated[Hello | Give | Chat | Acknowledge | Admit | Remove | Plain, Field(discriminator="type")]
MESSAGES: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)
