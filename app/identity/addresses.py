"""Where SMART's endpoints are, as the world knows them: never what a request says of its host."""

from typing import Final

from app.core.settings import settings

FHIR_ROOT: Final = "/fhir/R4"
_AUTHORIZE: Final = "/portal/authorize"
_TOKEN: Final = "/v1/oauth/token"  # noqa: S105 - an address
_REVOKE: Final = "/v1/oauth/revoke"
_INTROSPECT: Final = "/v1/oauth/introspect"
_KEYS: Final = "/.well-known/jwks.json"


def issuer() -> str:
    """Return what names us in ID tokens and in answers to apps (OpenID Connect Core; RFC 9207)."""
    return settings().http.public_url.rstrip("/")


def fhir_url() -> str:
    """Return the address of the FHIR service, which apps name as ``aud``."""
    return issuer() + FHIR_ROOT


def is_fhir(path: str) -> bool:
    """Say whether a path is one of the FHIR service's: tokens of apps and systems are good nowhere else."""
    return path == FHIR_ROOT or path.startswith(f"{FHIR_ROOT}/")


def authorize_url() -> str:
    """Return where apps send people to be asked."""
    return issuer() + _AUTHORIZE


def token_url() -> str:
    """Return where tokens are given; clients sign their assertions for it."""
    return issuer() + _TOKEN


def revoke_url() -> str:
    """Return where clients end their tokens (RFC 7009)."""
    return issuer() + _REVOKE


def introspect_url() -> str:
    """Return where clients ask what a token of theirs is good for (RFC 7662)."""
    return issuer() + _INTROSPECT


def keys_url() -> str:
    """Return where the keys are that ID tokens are signed with."""
    return issuer() + _KEYS
