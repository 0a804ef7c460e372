"""Firebase sign-in: ID tokens of the community's project, checked for revocation."""

import asyncio
import os
from functools import cache
from typing import Any, Final

from app.core.problems import Unavailable
from app.core.settings import settings
from app.identity.sign_in.external import VerifiedLogin
from app.identity.sign_in.problems import LoginNotAccepted, MethodNotOffered

_EMULATOR: Final = "FIREBASE_AUTH_EMULATOR_HOST"
_TIMEOUT: Final = 10.0


async def verify(id_token: str) -> VerifiedLogin:
    """Return what a Firebase ID token vouches for.

    Raises ``LoginNotAccepted`` for a token that is not good (any more), ``Unavailable`` if Firebase cannot be asked.
    """
    group = settings().signin
    if "firebase" not in group.methods or group.firebase_project is None:
        raise MethodNotOffered
    if settings().environment == "production" and _EMULATOR in os.environ:
        # The emulator's tokens carry no signature: with it anybody could be anybody.
        raise Unavailable("the Firebase emulator must not be used in production")
    path = group.firebase_credentials
    claims = await asyncio.to_thread(_verify, id_token, group.firebase_project, str(path) if path else None)
    return _login(claims)


def _verify(id_token: str, project: str, credentials_path: str | None) -> dict[str, Any]:
    # Slow to import, and only where people sign in through Firebase: here, in a thread, nobody waits for it.
    from firebase_admin import auth  # noqa: PLC0415
    from firebase_admin.exceptions import FirebaseError  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

    try:
        claims: dict[str, Any] = auth.verify_id_token(id_token, app=_app(project, credentials_path), check_revoked=True)
    except (ValueError, auth.InvalidIdTokenError, auth.UserDisabledError, auth.UserNotFoundError):
        raise LoginNotAccepted from None
    except (FirebaseError, GoogleAuthError) as error:
        raise Unavailable("Firebase cannot be asked at the moment") from error
    return claims


@cache
def _app(project: str, credentials_path: str | None) -> Any:
    import firebase_admin  # noqa: PLC0415 - see above
    from firebase_admin import credentials  # noqa: PLC0415

    credential = credentials.Certificate(credentials_path) if credentials_path else None
    options = {"projectId": project, "httpTimeout": _TIMEOUT}
    return firebase_admin.initialize_app(credential, options, name=f"sign-in:{project}")


def _login(claims: dict[str, Any]) -> VerifiedLogin:
    return VerifiedLogin(
        method="firebase",
        issuer=str(claims["iss"]),
        subject=str(claims["sub"]),
        phone=claims.get("phone_number"),
        email=claims.get("email") if claims.get("email_verified") is True else None,
    )
