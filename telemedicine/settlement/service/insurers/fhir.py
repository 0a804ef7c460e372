"""An insurer that speaks FHIR R4 over HTTPS: ``$submit`` asks, a search for the response follows up."""

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.core.insurer_settings import FhirInsurer
from app.core.later import Later
from telemedicine.settlement.rules.asking import Answered, Asked
from telemedicine.settlement.service.insurers import documents
from telemedicine.settlement.service.insurers.port import NotAnswered

if TYPE_CHECKING:
    import httpx
else:
    httpx = Later("httpx")

_MEDIA: Final = "application/fhir+json"
_CONNECT_SECONDS: Final = 5.0
_MOST_BYTES: Final = 1 << 20
_OK: Final = 200
_CREATED: Final = 201
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_REFUSED: Final = frozenset({400, 422})
"""What the insurer cannot work with, however often it is asked. Any other refusal may be mended, and is tried again."""


class FhirApi:
    """Asks one insurer; made for a batch and closed with it."""

    def __init__(self, of: FhirInsurer) -> None:
        self._timeout = of.timeout
        headers = {"Accept": _MEDIA, "Content-Type": _MEDIA, "Prefer": "handling=strict"}
        if of.token is not None:
            headers["Authorization"] = f"Bearer {of.token.get_secret_value()}"
        # What the environment says about proxies and credentials is meant for other programs.
        self._client = httpx.AsyncClient(
            base_url=of.endpoint.rstrip("/") + "/",
            headers=headers,
            timeout=httpx.Timeout(of.timeout, connect=_CONNECT_SECONDS),
            verify=of.tls_context() if of.endpoint.startswith("https://") else True,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ask(self, asked: Asked) -> Answered:
        """Submit a question. What the insurer has already (409) is looked up, so that a lost answer is found again."""
        is_claim = asked.kind != "eligibility"
        document = documents.claim(asked) if is_claim else documents.eligibility_request(asked)
        path = f"{document['resourceType']}/$submit"
        # A claim that is not known cannot be taken back, however often that is asked: people have to see to it.
        refusals = {_NOT_FOUND} if asked.kind == "reversal" else set()
        status, answer = await self._call("POST", path, refusals, content=orjson.dumps(document))
        if status == _CONFLICT:
            return await self.follow_up(asked)
        if status in _REFUSED or status == _NOT_FOUND:
            return Answered(outcome="error", disposition=_said(answer))
        return _understood(asked, answer, was_searched=False)

    async def follow_up(self, asked: Asked) -> Answered:
        """Look for the response to what was submitted."""
        kind = "CoverageEligibilityResponse" if asked.kind == "eligibility" else "ClaimResponse"
        params = {
            "request.identifier": f"{documents.CLAIM}|{documents.meant(asked)}",
            "_sort": "-created",
            "_count": "1",
        }
        status, answer = await self._call("GET", kind, params=params)
        if status in _REFUSED or answer.get("resourceType") != "Bundle":
            raise NotAnswered("not_understood")
        entries = answer.get("entry")
        if not isinstance(entries, list) or not entries or not isinstance(entries[0], dict):
            return Answered(outcome="pending")
        found = entries[0].get("resource")
        if asked.kind == "reversal" and isinstance(found, dict) and found.get("status") != "cancelled":
            return Answered(outcome="pending")  # that is the answer to the claim
        return _understood(asked, found, was_searched=True)

    async def _call(
        self, method: str, path: str, refusals: Collection[int] = (), **options: Any
    ) -> tuple[int, dict[str, Any]]:
        """Return status and document; raises ``NotAnswered`` without one. ``refusals`` are answers here, too."""
        try:
            # The client's own limit is for each read: a trickle would go on for ever.
            async with asyncio.timeout(self._timeout), self._client.stream(method, path, **options) as response:
                body = b""
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise NotAnswered("too_big")
        except TimeoutError:
            raise NotAnswered("timeout") from None
        except httpx.TimeoutException:
            raise NotAnswered("timeout") from None
        except httpx.HTTPError as error:
            raise NotAnswered(type(error).__name__) from None
        status = response.status_code
        if status not in (_OK, _CREATED, _CONFLICT, *_REFUSED, *refusals):
            raise NotAnswered(f"http_{status}")
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            document = None
        if not isinstance(document, dict):
            if status in (_OK, _CREATED):
                raise NotAnswered("not_understood")
            document = {}
        return status, document


def _understood(asked: Asked, document: Any, *, was_searched: bool) -> Answered:
    if not isinstance(document, dict):
        raise NotAnswered("not_understood")
    understand = {"eligibility": documents.eligibility, "claim": documents.response, "reversal": documents.reversal}
    answered = understand[asked.kind](document)
    documents.require_answer(document, asked, was_searched=was_searched)
    return answered


def _said(outcome: dict[str, Any]) -> str | None:
    """Return the first words of an OperationOutcome."""
    issues = outcome.get("issue")
    for issue in issues if isinstance(issues, list) else []:
        if not isinstance(issue, dict):
            continue
        details = issue.get("details")
        text = issue.get("diagnostics") or (details.get("text") if isinstance(details, dict) else None)
        if isinstance(text, str) and text:
            return text[:500]
    return None
