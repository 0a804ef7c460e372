"""An OpenID Connect issuer on loopback: real HTTP, real keys, and everything a bad one might do."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

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
    client_secret: str | None = None
    codes: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)
    """Codes that were given out: what was asked, and the ID token each is good for, once."""

    def sign_in(self, address: str, **changed: Any) -> str:
        """Sign somebody in who was sent to ``address``, as the issuer's page would; return where they are sent back."""
        asked = dict(parse_qsl(urlsplit(address).query))
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked, self.token("key-1", **{"nonce": asked["nonce"], **changed})
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.url})}"

    def redeem(self, form: dict[str, str], authorization: str | None) -> dict[str, Any] | None:
        """Return what a code is exchanged for, or ``None`` if the issuer refuses it."""
        asked, id_token = self.codes.pop(form.get("code", ""), ({}, ""))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        secret = f"{quote(AUDIENCE, safe='')}:{quote(self.client_secret or '', safe='')}"
        expected = f"Basic {base64.b64encode(secret.encode()).decode()}" if self.client_secret else None
        is_good = (
            asked.get("code_challenge") == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            and asked.get("code_challenge_method") == "S256"
            and form.get("redirect_uri") == asked.get("redirect_uri")
            and form.get("client_id") == asked.get("client_id") == AUDIENCE
            and form.get("grant_type") == "authorization_code"
            and authorization == expected
        )
        return {"id_token": id_token, "token_type": "Bearer", "access_token": "x"} if is_good else None

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
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
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
            self.answer(document, 503)

        def do_POST(self) -> None:
            issuer.requests.append(self.path)
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            document = None if issuer.is_down else issuer.redeem(form, self.headers.get("Authorization"))
            self.answer(document, 503 if issuer.is_down else 400)

        def answer(self, document: Any, otherwise: int) -> None:
            body = json.dumps(document).encode()
            self.send_response(otherwise if document is None else 200)
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
