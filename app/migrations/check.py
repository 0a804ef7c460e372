"""``python -m app.migrations.check``: the revisions go up, down and up again, and end where the models are."""

import sys
import tempfile
from pathlib import Path

from alembic.util.exc import CommandError

from app import assembly, migrations
from app.core import embedded

_DATABASE = "migrations_check"


def main() -> None:
    """Migrate a fresh database up, down and up, and compare it with the models; exit with 1 if they differ."""
    if migrations.head() != assembly.SCHEMA_REVISION:
        sys.stderr.write(f"app.assembly.SCHEMA_REVISION is not {migrations.head()}\n")
        raise SystemExit(1)
    with tempfile.TemporaryDirectory(prefix="hearthline-") as directory:
        server = embedded.start_sync(Path(directory) / "postgres", durable=False)
        try:
            server.create_database(_DATABASE)
            url = server.url(_DATABASE)
            migrations.upgrade(url)
            migrations.downgrade(url, "base")
            migrations.upgrade(url)
            migrations.check(url)
        except CommandError as error:
            sys.stderr.write(f"the models and the migrations differ: {error}\n")
            raise SystemExit(1) from None
        finally:
            server.stop_sync()
    sys.stdout.write("migrations: up, down and up again; no drift\n")


if __name__ == "__main__":
    main()
