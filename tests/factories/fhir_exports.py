"""Exports as a clinic's system orders and fetches them."""

import json
from collections import defaultdict
from typing import Any

import httpx

from app.core.jobs import settle
from app.fhir.jobs import JOBS

ASYNC = {"Prefer": "respond-async"}
R4 = "/fhir/R4"


def path(url: str) -> str:
    """Return an address of ours without the host."""
    return httpx.URL(url).raw_path.decode()


async def begun(client: httpx.AsyncClient, headers: dict[str, str], what: str = "Patient/$export") -> str:
    """Begin an export; return where it is asked after."""
    answer = await client.get(f"{R4}/{what}", headers=headers | ASYNC)
    assert answer.status_code == 202, answer.text
    return path(answer.headers["Content-Location"])


async def manifest(client: httpx.AsyncClient, headers: dict[str, str], status: str) -> dict[str, Any]:
    """Return what a finished export consists of."""
    answer = await client.get(status, headers=headers)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def fetched(
    client: httpx.AsyncClient, headers: dict[str, str], document: dict[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Return the resources of an export's files by kind."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in document["output"]:
        answer = await client.get(path(file["url"]), headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/fhir+ndjson"
        found[file["type"]] += [json.loads(line) for line in answer.text.splitlines()]
    return dict(found)


async def exported(
    client: httpx.AsyncClient, headers: dict[str, str], what: str = "Patient/$export"
) -> dict[str, list[dict[str, Any]]]:
    """Order an export, let it be made and return what is in it."""
    status = await begun(client, headers, what)
    await settle(JOBS)
    return await fetched(client, headers, await manifest(client, headers, status))
