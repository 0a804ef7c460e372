"""The database's history: Alembic revisions, run from code with the schema the settings name."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

LOCATION = Path(__file__).parent


def _config(url: str, schema: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(LOCATION))
    config.attributes["url"] = url
    config.attributes["schema"] = schema
    return config


def upgrade(url: str, revision: str = "head", *, schema: str = "public") -> None:
    """Bring the database at ``url`` up to ``revision``."""
    command.upgrade(_config(url, schema), revision)


def downgrade(url: str, revision: str, *, schema: str = "public") -> None:
    """Take the database at ``url`` down to ``revision``."""
    command.downgrade(_config(url, schema), revision)


def check(url: str, *, schema: str = "public") -> None:
    """Raise ``alembic.util.exc.CommandError`` if the models have drifted from the migrated database."""
    command.check(_config(url, schema))


def head() -> str | None:
    """Return the newest revision."""
    return ScriptDirectory.from_config(_config("", "public")).get_current_head()
