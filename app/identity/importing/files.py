"""The operator's files as rows of text, read as a stream: CSV in UTF-8 and XLSX."""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import BinaryIO, Final, Literal

from app.identity.importing.problems import FileRefused
from app.identity.importing.rules import REQUIRED, column_of
from app.identity.importing.texts import sentence

FileKind = Literal["csv", "xlsx"]
MAX_UNPACKED: Final = 300 * 1_048_576
_BLOCK: Final = 1 << 16

Row = tuple[int, dict[str, str]]


class BrokenRow(Exception):  # noqa: N818 - says what it is
    """The file cannot be read beyond this row."""

    def __init__(self, number: int) -> None:
        super().__init__(f"row {number}")
        self.number = number


def rows_of(source: BinaryIO, kind: FileKind, language: str) -> Iterator[Row]:
    """Return the rows below the header, each with its number and its cells by column; empty rows are left out.

    Raises ``FileRefused`` before the first row, and ``BrokenRow`` where the file stops making sense.
    """
    lines = _csv_lines(source, language) if kind == "csv" else _xlsx_lines(source, language)
    try:
        header = next(lines, None)
    except csv.Error:
        raise FileRefused(sentence("broken_row", language), "broken_row") from None
    if header is None:
        raise FileRefused(sentence("empty", language), "empty")
    return _rows(lines, _columns(header, language))


def _rows(lines: Iterator[Sequence[str]], columns: list[str | None]) -> Iterator[Row]:
    number = 1
    while True:
        number += 1
        try:
            line = next(lines, None)
        except (csv.Error, ValueError, zipfile.BadZipFile, EOFError) as error:
            raise BrokenRow(number) from error
        if line is None:
            return
        cells = {column: text for column, text in zip(columns, line, strict=False) if column and text.strip()}
        if cells:
            yield number, cells


def _columns(header: Sequence[str], language: str) -> list[str | None]:
    """Return the column of each cell of the header; a cell without a heading has none."""
    columns = [column_of(text) if text.strip() else None for text in header]
    unknown = [
        text.strip()[:50] for text, column in zip(header, columns, strict=True) if text.strip() and column is None
    ]
    if unknown:
        _refuse("unknown_column", language, unknown)
    named = [column for column in columns if column]
    if repeated := sorted({column for column in named if named.count(column) > 1}):
        _refuse("repeated_column", language, repeated)
    if missing := [column for column in REQUIRED if column not in named]:
        _refuse("missing_column", language, missing)
    return columns


def _refuse(code: str, language: str, columns: Sequence[str]) -> None:
    raise FileRefused(sentence(code, language, ", ".join(columns[:10])), code)


def _csv_lines(source: BinaryIO, language: str) -> Iterator[Sequence[str]]:
    # All of it is looked at first: a file must not turn out to be in another encoding when half of it is in.
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := source.read(_BLOCK):
            if "\x00" in decoder.decode(block):
                raise FileRefused(sentence("not_utf8", language), "not_utf8")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise FileRefused(sentence("not_utf8", language), "not_utf8") from None
    source.seek(0)
    text = io.TextIOWrapper(source, encoding="utf-8-sig", newline="")
    first = text.readline(_BLOCK)
    delimiter = max(",;\t", key=first.count)
    text.seek(0)
    return csv.reader(text, delimiter=delimiter, strict=True)


def _xlsx_lines(source: BinaryIO, language: str) -> Iterator[Sequence[str]]:
    # Slow to import, and only an import of a spreadsheet needs it.
    from openpyxl import load_workbook  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    try:
        with zipfile.ZipFile(source) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAX_UNPACKED:
            raise FileRefused(sentence("too_large", language), "too_large")
        source.seek(0)
        # Formulas stay what was typed: the values a spreadsheet program once computed are not looked at.
        workbook = load_workbook(source, read_only=True, data_only=False, keep_links=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError):
        raise FileRefused(sentence("not_a_spreadsheet", language), "not_a_spreadsheet") from None
    sheet = workbook.worksheets[0] if workbook.worksheets else None
    if sheet is None:
        raise FileRefused(sentence("empty", language), "empty")
    return ([_text(value) for value in line] for line in sheet.iter_rows(values_only=True))


def _text(value: object) -> str:
    """Return a cell as text: numbers as they are typed, days without a time."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
