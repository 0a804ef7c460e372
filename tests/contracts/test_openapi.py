"""The API's description is committed, breaks no client of the released one, and compiles to a client's types."""

import shutil
from pathlib import Path
from typing import Any

import orjson

from tests import node
from tests.contracts.compatibility import breaking_changes

HERE = Path(__file__).parent
COMMITTED = HERE.parent.parent / "docs" / "openapi.json"
# What apps in people's hands were made from: at a release it is replaced by a copy of docs/openapi.json.
RELEASED = HERE / "openapi-released.json"


def serialized(document: dict[str, Any]) -> bytes:
    """Return the description as ``hearthline openapi`` writes it."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(file.read_bytes())
    return document


def test_the_committed_description_is_up_to_date(document: dict[str, Any]) -> None:
    assert COMMITTED.read_bytes() == serialized(document), (
        "stale: run `hearthline openapi docs/openapi.json` and commit it"
    )


def test_no_client_of_the_released_description_breaks(document: dict[str, Any]) -> None:
    assert breaking_changes(read(RELEASED), orjson.loads(serialized(document))) == []


def test_a_client_can_be_made_from_it_without_a_warning(document: dict[str, Any], tmp_path: Path) -> None:
    tools = node.packages(HERE) / ".bin"
    description = tmp_path / "openapi.json"
    description.write_bytes(serialized(document))
    shutil.copy(HERE / "client.ts", tmp_path)
    said = node.run(
        tools / "openapi-typescript", description, "--default-non-nullable=false", "-o", "api.ts", cwd=tmp_path
    )
    assert "warn" not in said.lower(), said
    strict = ("--noEmit", "--strict", "--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler")
    assert node.run(tools / "tsc", *strict, "api.ts", "client.ts", cwd=tmp_path) == ""
