"""The page's own scripts, run in Node: what a test asks of them, and what they answer."""

import json
from pathlib import Path
from typing import Any, Final

from app.portal import gates
from tests import node

ASSETS: Final = Path(gates.__file__).parent / "assets"
_ASKED: Final = Path(__file__).with_name("asked.mjs")


def answers(directory: Path, kind: str, question: dict[str, Any]) -> Any:
    """Return what the scripts answer to a question of this kind."""
    asked = directory / f"{kind}.json"
    asked.write_text(json.dumps(question))
    # Node would remark that nothing beside the scripts says what kind of scripts they are.
    said = node.run(
        node.NODE, "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", _ASKED, ASSETS, kind, asked, cwd=directory
    )
    return json.loads(said)
