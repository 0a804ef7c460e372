"""SMART: clients with keys of their own, apps people agree to, and the tokens they are given."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def _every_table() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    op.add_column(
        "identity_api_client",
        sa.Column("redirect_uris", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("identity_api_client", sa.Column("jwks", postgresql.JSONB(), nullable=True))
    op.add_column("identity_api_client", sa.Column("jwks_uri", sa.String(), nullable=True))
    op.add_column("identity_api_client", sa.Column("keys_set_at", _INSTANT, nullable=True))
    op.add_column("core_audit_entry", sa.Column("app_id", sa.Uuid(), nullable=True))
    op.create_table(
        "identity_client_assertion",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["identity_api_client.id"], name=op.f("fk_identity_client_assertion_client_id")
        ),
        sa.PrimaryKeyConstraint("client_id", "digest", name=op.f("pk_identity_client_assertion")),
    )
    op.create_index("ix_identity_client_assertion_expires_at", "identity_client_assertion", ["expires_at"])
    op.create_table(
        "identity_app_grant",
        *_every_table(),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("fhir_user", sa.String(), nullable=True),
        sa.Column("last_used_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["identity_account.id"], name=op.f("fk_identity_app_grant_account_id")),
        sa.ForeignKeyConstraint(["client_id"], ["identity_api_client.id"], name=op.f("fk_identity_app_grant_client_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["identity_resident.id"], name=op.f("fk_identity_app_grant_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_app_grant")),
    )
    for column in ("account_id", "client_id", "ended_at", "patient_id"):
        op.create_index(f"ix_identity_app_grant_{column}", "identity_app_grant", [column])
    op.create_table(
        "identity_app_authorization",
        *_every_table(),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.Column("challenge", sa.String(), nullable=False),
        sa.Column("browser", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("sign_in_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.LargeBinary(), nullable=True),
        sa.Column("code_expires_at", _INSTANT, nullable=True),
        sa.Column("code_used_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity_account.id"], name=op.f("fk_identity_app_authorization_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["identity_api_client.id"], name=op.f("fk_identity_app_authorization_client_id")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["identity_app_grant.id"],
            name=op.f("fk_identity_app_authorization_grant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_app_authorization")),
        sa.UniqueConstraint("code", name=op.f("uq_identity_app_authorization_code")),
    )
    for column in ("account_id", "expires_at", "grant_id"):
        op.create_index(f"ix_identity_app_authorization_{column}", "identity_app_authorization", [column])
    op.create_table(
        "identity_app_token",
        *_every_table(),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("used_at", _INSTANT, nullable=True),
        sa.Column("revoked_at", _INSTANT, nullable=True),
        sa.CheckConstraint("kind IN ('access', 'refresh')", name=op.f("ck_identity_app_token_kind")),
        sa.ForeignKeyConstraint(["client_id"], ["identity_api_client.id"], name=op.f("fk_identity_app_token_client_id")),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["identity_app_grant.id"], name=op.f("fk_identity_app_token_grant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_app_token")),
    )
    for column in ("client_id", "expires_at", "grant_id"):
        op.create_index(f"ix_identity_app_token_{column}", "identity_app_token", [column])


def downgrade() -> None:
    op.drop_table("identity_app_token")
    op.drop_table("identity_app_authorization")
    op.drop_table("identity_app_grant")
    op.drop_table("identity_client_assertion")
    op.drop_column("core_audit_entry", "app_id")
    for column in ("keys_set_at", "jwks_uri", "jwks", "redirect_uris"):
        op.drop_column("identity_api_client", column)
