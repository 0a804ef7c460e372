"""What can be wrong with a session or a refresh token."""

from app.core.problems import Unauthenticated


class RefreshTokenInvalid(Unauthenticated):
    """The refresh token is unknown or too old, or its session has ended: the person has to sign in again."""

    code, title = "refresh_token_invalid", "Sign in again"


class RefreshTokenReused(Unauthenticated):
    """The refresh token had been exchanged before: somebody else may have it, so its session was ended."""

    code, title = "refresh_token_reused", "Sign in again"
