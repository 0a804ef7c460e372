"""The shape of the house: small files, fixed packages, one clock, and imports that only go down."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("app", "eldercare", "telemedicine", "community", "notifications")
BESIDE = ("tests", "benchmarks", "docs")
ENTRANCES = {"api", "events", "home_events"}
PROTECTED = ("app.identity", "eldercare", "notifications", "telemedicine", "community")
LONGEST = 400
NAMELESS_ROOMS = {"utils", "util", "helpers", "helper", "common", "misc", "base_service"}
MACHINE_TIME = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|uuidv7|uuidv4|gen_random_uuid)\s*\("
    r"|\bCURRENT_(TIMESTAMP|TIME|DATE)\b|\bLOCALTIME(STAMP)?\b",
    re.IGNORECASE,
)
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|VALUES|DEFAULT|RETURNING|CREATE|CALL)\b")
# Rows that only SQL sees get their ids there: the instant is bound from our clock, the random part is PostgreSQL's.
SET_BASED_IDS = ROOT / "app" / "core" / "set_ids.py"
MACHINE_TIME_FUNCTIONS = {"now", "current_timestamp", "clock_timestamp", "uuidv7", "uuidv4", "gen_random_uuid"}
# Outside of units of work: a migration's connection is closed, and so is the seeding's.
OWN_CONNECTIONS = ("app/migrations/", "app/demo/seeding.py")
LEFT_BEHIND = re.compile(
    r"^\s*SET\s+(?!LOCAL\b|TRANSACTION\b)(SESSION\s+)?\w+(\.\w+)?\s*(=|TO\b)"
    r"|\bpg_(try_)?advisory_lock(_shared)?\s*\(|\bset_config\s*\([^)]*\bfalse\s*\)"
)
# Whoever has none of these words need not be read further, which most of the time is spent on.
MAY_TELL_TIME = re.compile(
    "|".join(sorted(MACHINE_TIME_FUNCTIONS)) + "|_timestamp|timeofday|localtime|current_", re.IGNORECASE
)
MAY_LEAVE_BEHIND = re.compile("SET|advisory_lock|set_config")
NOT_RUN = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b")


def sources(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def docstrings(tree: ast.Module) -> set[int]:
    """Return the identities of the string nodes that are documentation."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, documented)]
    return {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}


def machine_time(source: str) -> Iterator[str]:
    """Yield what in a module lets the database tell the time or mint an id: in SQL text, and through ``func``."""
    if not MAY_TELL_TIME.search(source):
        return
    tree = ast.parse(source)
    documentation = docstrings(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in documentation:
                if SQL.search(text) and (found := MACHINE_TIME.search(text)):
                    yield f"{node.lineno}: {found.group()}"
            case ast.Attribute(value=ast.Name(id="func") | ast.Attribute(attr="func"), attr=attr):
                if attr.lower() in MACHINE_TIME_FUNCTIONS:
                    yield f"{node.lineno}: func.{attr}"


def left_on_connections(source: str) -> Iterator[str]:
    """Yield the SQL of a module that outlives its transaction: connections are kept, and the next one would find it."""
    if not MAY_LEAVE_BEHIND.search(source):
        return
    tree = ast.parse(source)
    documentation = docstrings(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in documentation:
                if found := LEFT_BEHIND.search(text):
                    yield f"{node.lineno}: {found.group()}"


def test_top_level_packages_are_the_fixed_five() -> None:
    folders = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert folders <= {*PACKAGES, *BESIDE}


@pytest.mark.parametrize("package", [*PACKAGES, "benchmarks"])
def test_a_source_file_is_one_idea(package: str) -> None:
    files = [file for file in sources(package) if "versions" not in file.parts]
    assert [name(file) for file in files if len(file.read_text().splitlines()) > LONGEST] == []
    assert [name(file) for file in files if file.stem in NAMELESS_ROOMS] == []
    # A module starts with one sentence saying what it is for.
    assert [name(file) for file in files if not is_introduced(file.read_text())] == []


def is_introduced(source: str) -> bool:
    """Say whether a module has a docstring; most are seen to have one at a glance."""
    return source == "" or re.match('"""\\w', source) is not None or bool(ast.get_docstring(ast.parse(source)))


@pytest.mark.parametrize("package", PACKAGES)
def test_time_and_ids_come_from_our_clock(package: str) -> None:
    found = {name(file): list(machine_time(file.read_text())) for file in sources(package) if file != SET_BASED_IDS}
    assert {file: there for file, there in found.items() if there} == {}


@pytest.mark.parametrize(
    "source",
    [
        'query = "SELECT 1 WHERE due_at < now()"',
        'query = f"UPDATE x SET at = {at} WHERE b < CURRENT_TIMESTAMP"',
        'text("INSERT INTO x VALUES (uuidv7())")',
        'text("SELECT gen_random_uuid ()")',
        "sa.select(sa.func.now())",
        "func.current_timestamp()",
    ],
)
def test_machine_time_is_found(source: str) -> None:
    assert list(machine_time(source)) != []


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_transaction_sets_ends_with_it(package: str) -> None:
    files = [file for file in sources(package) if not name(file).startswith(OWN_CONNECTIONS)]
    found = {name(file): list(left_on_connections(file.read_text())) for file in files}
    assert {file: there for file, there in found.items() if there} == {}


@pytest.mark.parametrize(
    "source",
    [
        'text("SET search_path TO x")',
        'text("SET SESSION statement_timeout = 0")',
        'text("SELECT pg_advisory_lock(1)")',
        "text(\"SELECT set_config('statement_timeout', :t, false)\")",
    ],
)
def test_what_outlives_a_transaction_is_found(source: str) -> None:
    assert list(left_on_connections(source)) != []


@pytest.mark.parametrize("source", ['"""SELECT now() is what we never do."""', "clock.now()", 'text("SELECT :now")'])
def test_our_own_time_is_not_mistaken_for_it(source: str) -> None:
    assert list(machine_time(source)) == []


def test_no_test_is_left_out() -> None:
    tests = [file for file in sources("tests") if "node_modules" not in file.parts]
    assert [name(file) for file in tests if NOT_RUN.search(file.read_text())] == []


def contracts() -> dict[str, object]:
    settings: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return settings


def test_every_package_is_under_contract_without_exceptions() -> None:
    settings = contracts()
    assert settings["root_packages"] == [package for package in PACKAGES if (ROOT / package).exists()]
    assert "ignore" not in str(settings)


@pytest.mark.parametrize("package", [name for name in PROTECTED if (ROOT / name.replace(".", "/")).exists()])
def test_everything_but_api_and_events_is_protected(package: str) -> None:
    folder = ROOT / package.replace(".", "/")
    rules = contracts()["contracts"]
    assert isinstance(rules, list)
    protected = {module for rule in rules if rule["type"] == "protected" for module in rule["protected_modules"]}
    loose = {f"{package}.{file.stem}" for file in folder.glob("[!_]*.py") if file.stem not in ENTRANCES}
    assert f"{package}.*.*" in protected
    assert loose <= protected


def test_imports_keep_the_contracts() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
