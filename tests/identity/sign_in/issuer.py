"""An OpenID Connect issuer on loopback: real HTTP, real keys, and everything a bad one might do."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from app.core import clock

AUDIENCE = "hearthline-app"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass
class Issuer:
    """The issuer's keys by id, and the requests it answered."""

    url: str
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    named: str | None = None
    jwks_uri: str | None = None
    is_down: bool = False

    def add_rsa_key(self, key_id: str) -> rsa.RSAPrivateKey:
        """Publish a new RSA key and return it."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.keys[key_id] = key
        return key

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return the claims of a good ID token, with changes; ``None`` leaves one out."""
        issued = int(clock.now().timestamp())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "subject-1",
            "iat": issued,
            "exp": issued + 3600,
            "email": "ada@example.org",
            "email_verified": True,
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key_id: str, algorithm: str = "RS256", **changed: Any) -> str:
        """Return an ID token signed with a published key."""
        return jwt.encode(self.claims(**changed), self.keys[key_id], algorithm, headers={"kid": key_id})

    def documents(self) -> dict[str, Any]:
        """Return what the issuer publishes, by path."""
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.named or self.url,
                "jwks_uri": self.jwks_uri or f"{self.url}/keys",
            },
            "/keys": {"keys": [_public_jwk(key_id, key) for key_id, key in self.keys.items()]},
        }


def _public_jwk(key_id: str, key: PrivateKey) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        jwk = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "kid": key_id, "use": "sig"}


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Run an issuer on a free port of loopback."""
    issuer: Issuer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.requests.append(self.path)
            document = None if issuer.is_down else issuer.documents().get(self.path)
            body = json.dumps(document).encode()
            self.send_response(503 if document is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
