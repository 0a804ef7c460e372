"""Documents are set by a process that steps back, one at a time, and none of what goes wrong there stays."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pypdf
import pytest

from app.core import typesetting
from app.core.clock import ManualClock
from app.core.problems import Unavailable
from app.core.typesetting import CannotTypeset, pieces, size_of, typeset

TEMPLATE = """
#let head = json(bytes(sys.inputs.head))
#let rows = json(bytes(sys.inputs.rows))
#set document(title: head.title)
#set text(font: "Noto Sans SC")
= #head.title
#for row in rows [ #row.said, ]

"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Return a template that says its head and its rows."""
    place = tmp_path / "template.typ"
    place.write_text(TEMPLATE)
    return place


async def said(*rows: bytes) -> AsyncIterator[bytes]:
    for row in rows:
        yield row


async def document(template: Path, *rows: bytes, title: str = "Title 标题") -> pypdf.PdfReader:
    paper = await typeset(template, {"title": title}, said(*rows))
    size = size_of(paper)
    content = b"".join([piece async for piece in pieces(paper)])
    assert (len(content), paper.closed) == (size, True)
    return pypdf.PdfReader(BytesIO(content))


async def test_a_document_says_its_rows_and_is_made_for_screen_readers(template: Path, clock: ManualClock) -> None:
    found = await document(template, b'{"said": "one"}', '{"said": "二"}'.encode())
    assert found.pages[0].extract_text().split() == ["Title", "标题", "one,", "二,"]
    root = found.root_object
    assert "'/Marked': True" in str(root["/MarkInfo"])
    about = root["/Metadata"].get_object()
    assert isinstance(about, pypdf.generic.StreamObject)
    assert b"<pdfuaid:part>1" in about.get_data()
    assert found.metadata is not None
    assert found.metadata.creation_date == clock.now().replace(microsecond=0)


async def test_a_letter_that_no_font_has_is_no_reason_to_print_nothing(template: Path, clock: ManualClock) -> None:
    found = await document(template, b'{"said": "one"}', title="ปู่")
    assert "one," in found.pages[0].extract_text()


async def test_one_document_is_set_at_a_time(template: Path, clock: ManualClock) -> None:
    under_way: list[str] = []

    async def rows(name: str) -> AsyncIterator[bytes]:
        under_way.append(name)
        for _ in range(20):
            await asyncio.sleep(0)
            assert under_way[-1] == name
            yield b'{"said": "x"}'

    papers = await asyncio.gather(*(typeset(template, {"title": name}, rows(name)) for name in "abc"))
    assert sorted(under_way) == ["a", "b", "c"]
    for paper in papers:
        paper.close()


async def test_whoever_would_wait_too_long_is_told_to_come_back(
    template: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typesetting, "WAIT_SECONDS", 0.01)
    async with typesetting._room:
        with pytest.raises(Unavailable) as refusal:
            await document(template)
    assert "Retry-After" in refusal.value.headers
    assert len((await document(template)).pages) == 1


async def test_what_ends_the_rows_ends_the_document(template: Path, clock: ManualClock) -> None:
    class EnoughError(Exception):
        pass

    async def rows() -> AsyncIterator[bytes]:
        yield b'{"said": "one"}'
        raise EnoughError

    with pytest.raises(EnoughError):
        await typeset(template, {"title": "x"}, rows())
    assert len((await document(template)).pages) == 1  # its turn is over


async def test_a_document_that_takes_too_long_or_too_much_is_given_up(
    template: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    with monkeypatch.context() as patch:
        patch.setattr(typesetting, "LONGEST_SECONDS", 0.05)
        with pytest.raises(Unavailable):
            await typeset(template, {"title": "x"}, never())
    with monkeypatch.context() as patch:
        patch.setattr(typesetting, "MEMORY", 64 << 20)
        with pytest.raises(CannotTypeset):
            await document(template, b'{"said": "one"}')
    with pytest.raises(CannotTypeset):
        await document(template, b'{"unsaid": "one"}')
    assert len((await document(template)).pages) == 1


def test_what_was_not_said_to_its_end_is_not_set(template: Path) -> None:
    arguments = [
        sys.executable,
        "-I",
        str(typesetting._PROGRAM),
        str(template),
        str(typesetting._FONTS),
        str(typesetting.MEMORY),
        "9",
    ]
    for heard in (b"", b'{"title": "x", "set_at": 0}\n', b'{"title": "x", "set_at": 0}\n{"said": "on'):
        done = subprocess.run(arguments, input=heard, capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")
    done = subprocess.run(arguments, input=b'{"title": "x", "set_at": 0}\n\n', capture_output=True, check=False)
    assert (done.returncode, done.stdout[:5]) == (0, b"%PDF-")
