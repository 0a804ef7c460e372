"""Sets one document and ends: the program that `app.core.typesetting` runs, beside which everything else goes first.

It takes the template's file, a folder of fonts and how much memory and time it may use; on its input a line of JSON,
then one for each row, then an empty line: without that one nobody waits for the document any more. The PDF goes to its
output. It imports nothing of ours, so that it is there at once.
"""

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson
import typst

_LAST = b"\n"
ACCESSIBLE: Final = "ua-1"
"""PDF/UA (ISO 14289-1): what a screen reader needs, checked while it is written."""


def _step_back(memory: int, seconds: int) -> None:
    """Let everything else go first, and use no more than was said."""
    os.nice(19)
    os.environ["RAYON_NUM_THREADS"] = "1"
    with suppress(OSError):  # where memory runs out, it is this process that goes
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def _pdf(template: bytes, head: bytes, rows: list[bytes], fonts: str) -> bytes:
    said = {"head": head.decode(), "rows": f"[{b','.join(rows).decode()}]"}
    known = typst.Fonts(include_system_fonts=False, font_paths=[fonts])
    set_at = int(orjson.loads(head)["set_at"])
    try:
        return typst.compile(template, font_paths=known, sys_inputs=said, timestamp=set_at, pdf_standards=[ACCESSIBLE])
    except typst.TypstError:
        # A letter that no font has (in a name, say) is against the standard, and no reason to print nothing.
        return typst.compile(template, font_paths=known, sys_inputs=said, timestamp=set_at)


def main(template: str, fonts: str, memory: str, seconds: str) -> int:
    """Set the document on the input; return the exit code."""
    _step_back(int(memory), int(seconds))
    head, *rows = sys.stdin.buffer.readlines() or [b""]
    if not rows or rows.pop() != _LAST:
        return 1
    sys.stdout.buffer.write(_pdf(Path(template).read_bytes(), head, rows, fonts))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
