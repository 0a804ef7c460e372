"""What SMART clients ask first: where tokens are given, and what of SMART there is (SMART App Launch 2.2)."""

from typing import Final

from app.fhir.elements import Json
from app.identity.api import CLIENT_ALGORITHMS, smart_addresses

_SERVICE: Final = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_URIS: Final = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_CAPABILITIES: Final = (
    "launch-standalone",
    "client-public",
    "client-confidential-asymmetric",
    "context-standalone-patient",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
    "sso-openid-connect",
)
_SCOPES: Final = (
    "openid",
    "fhirUser",
    "launch/patient",
    "offline_access",
    "online_access",
    "patient/*.cruds",
    "user/*.cruds",
    "system/*.cruds",
)


def smart_configuration() -> Json:
    """Return the document at ``.well-known/smart-configuration``."""
    return {
        "issuer": smart_addresses.issuer(),
        "jwks_uri": smart_addresses.keys_url(),
        "authorization_endpoint": smart_addresses.authorize_url(),
        "token_endpoint": smart_addresses.token_url(),
        "introspection_endpoint": smart_addresses.introspect_url(),
        "revocation_endpoint": smart_addresses.revoke_url(),
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": list(_SCOPES),
        "capabilities": list(_CAPABILITIES),
    }


def security() -> Json:
    """Return what the CapabilityStatement says of how one gets in."""
    uris = {
        "authorize": smart_addresses.authorize_url(),
        "token": smart_addresses.token_url(),
        "introspect": smart_addresses.introspect_url(),
        "revoke": smart_addresses.revoke_url(),
    }
    return {
        "extension": [{"url": _URIS, "extension": [{"url": name, "valueUri": uri} for name, uri in uris.items()]}],
        "cors": False,
        "service": [
            {
                "coding": [{"system": _SERVICE, "code": "SMART-on-FHIR", "display": "SMART-on-FHIR"}],
                "text": "OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)",
            }
        ],
        "description": "A token by SMART, an organization's API key, or a person's access token, as bearer.",
    }
