"""The scanner that the guide prints says of every vector what it has to."""

import re
import subprocess
import sys
from pathlib import Path

from tests.community.ticket_codes.vectors import FILE, vectors

GUIDE = Path(__file__).parents[3] / "docs" / "gates.md"


def test_the_scanner_in_the_guide_reads_all_vectors_as_it_says(tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```.*?```text\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found is not None
    scanner = tmp_path / "scanner.py"
    scanner.write_text(found[1])
    said = subprocess.run([sys.executable, str(scanner), str(FILE)], capture_output=True, text=True, check=True).stdout

    assert said == found[2]
    assert said.count("ok ") == len(said.splitlines()) == len(vectors()["cases"])
