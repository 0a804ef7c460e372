"""What the metadata cannot say in DDL is made by migrations too, not only by ``create_all``."""

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from app import assembly
from app.core.database import Database, unit_of_work

assembly.load_tables()


@pytest.mark.parametrize(
    ("table", "trigger"),
    [
        ("billing_entry", "billing_entry_append_only"),
        ("billing_entry", "billing_entry_balances"),
        ("billing_invoice", "billing_invoice_never_changed"),
        ("billing_posting", "billing_posting_append_only"),
        ("billing_posting", "billing_posting_balances"),
        ("core_audit_entry", "core_audit_entry_append_only"),
        ("media_upload", "media_upload_discard"),
        ("telemedicine_record_version", "telemedicine_record_version_unchanged"),
        ("telemedicine_record_version", "telemedicine_record_version_there"),
    ],
)
async def test_a_migration_that_makes_the_table_makes_its_trigger(database: Database, table: str, trigger: str) -> None:
    def migrate(connection: sa.Connection) -> list[str]:
        connection.execute(sa.text("CREATE SCHEMA elsewhere"))
        connection.execute(sa.text("SET LOCAL search_path TO elsewhere"))
        Operations(MigrationContext.configure(connection)).create_table(
            table, sa.Column("id", sa.Uuid, primary_key=True)
        )
        found = connection.scalars(
            sa.text("SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(:name AS regclass) AND NOT tgisinternal"),
            {"name": f"elsewhere.{table}"},
        )
        return list(found.all())

    async with unit_of_work() as session:
        assert trigger in await (await session.connection()).run_sync(migrate)
        await session.execute(sa.text("DROP SCHEMA elsewhere CASCADE"))
