"""Refusals of OAuth, in its own words (RFC 6749, 5.2)."""

from typing import Literal

Code = Literal[
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
]


class OAuthRefused(Exception):  # noqa: N818 - says what happened
    """A request of OAuth is refused: its code, and a sentence for whoever wrote the client."""

    def __init__(self, error: Code, description: str) -> None:
        super().__init__(description)
        self.error: Code = error
        self.description = description
