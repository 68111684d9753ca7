"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("login", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("realname", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("password_hash", TEXT, nullable=True),
        sa.Column("preferences", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("login", name="uq_accounts_login"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "events",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("project", TEXT, nullable=False),
        sa.Column("package", TEXT, nullable=True),
        sa.Column("payload", TEXT, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("claimed_by", TEXT, nullable=True),
        sa.Column("claimed_until", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_claimed_until", "events", ["claimed_until", "id"], unique=False)
    op.create_table(
        "groups",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_groups"),
        sa.UniqueConstraint("name", name="uq_groups_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "large_objects",
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("md5", TEXT, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_large_objects"),
    )
    op.create_table(
        "listings",
        sa.Column("tree", TEXT, nullable=False),
        sa.Column("srcmd5", TEXT, nullable=False),
        sa.Column("entries", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tree", name="pk_listings"),
    )
    op.create_table(
        "projects",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("container", TEXT, nullable=False),
        sa.Column("meta", TEXT, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("deleted_at", BIG, nullable=True),
        sa.Column("copr", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("container", name="uq_projects_container"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_projects_deleted",
        "projects",
        ["name", "deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_projects_name_living",
        "projects",
        ["name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("project", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("keyid", TEXT, nullable=False),
        sa.Column("userid", TEXT, nullable=False),
        sa.Column("algorithm", TEXT, nullable=False),
        sa.Column("bits", BIG, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("expires_at", BIG, nullable=True),
        sa.Column("armored", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("project", name="pk_signing_keys"),
    )
    op.create_table(
        "grants",
        sa.Column("project_id", BIG, nullable=False, autoincrement=False),
        sa.Column("package_id", BIG, nullable=False, autoincrement=False),
        sa.Column("position", BIG, nullable=False, autoincrement=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_grants_project_id"),
        sa.PrimaryKeyConstraint("project_id", "package_id", "position", name="pk_grants"),
    )
    op.create_index(
        "ix_grants_subject",
        "grants",
        ["subject", "name", "role", "project_id", "package_id"],
        unique=False,
    )
    op.create_table(
        "group_people",
        sa.Column("group_id", BIG, nullable=False, autoincrement=False),
        sa.Column("part", TEXT, nullable=False),
        sa.Column("login", TEXT, nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_group_people_group_id"),
        sa.PrimaryKeyConstraint("group_id", "part", "login", name="pk_group_people"),
    )
    op.create_index(
        "ix_group_people_login", "group_people", ["login", "part", "group_id"], unique=False
    )
    op.create_table(
        "packages",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("container", TEXT, nullable=False),
        sa.Column("meta", TEXT, nullable=False),
        sa.Column("base", TEXT, nullable=True),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("deleted_at", BIG, nullable=True),
        sa.Column("copr", TEXT, nullable=False),
        sa.Column("devel_project", TEXT, nullable=True),
        sa.Column("devel_package", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_packages_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_packages"),
        sa.UniqueConstraint("container", name="uq_packages_container"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_packages_deleted",
        "packages",
        ["project_id", "name", "deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_packages_devel", "packages", ["devel_project", "devel_package"], unique=False
    )
    op.create_index(
        "ix_packages_living_name",
        "packages",
        ["name"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_packages_name_living",
        "packages",
        ["project_id", "name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_packages_project_id_living",
        "packages",
        ["project_id", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "publications",
        sa.Column("project_id", BIG, nullable=False, autoincrement=False),
        sa.Column("repository", TEXT, nullable=False),
        sa.Column("arch", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("details", TEXT, nullable=False),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("generation", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_publications_project_id"),
        sa.PrimaryKeyConstraint("project_id", "repository", "arch", name="pk_publications"),
    )
    op.create_index("ix_publications_dirty", "publications", ["dirty", "updated_at"], unique=False)
    op.create_table(
        "repository_paths",
        sa.Column("project_id", BIG, nullable=False, autoincrement=False),
        sa.Column("position", BIG, nullable=False, autoincrement=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("repository", TEXT, nullable=False),
        sa.Column("target_project", TEXT, nullable=False),
        sa.Column("target_repository", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_repository_paths_project_id"
        ),
        sa.PrimaryKeyConstraint("project_id", "position", name="pk_repository_paths"),
    )
    op.create_index(
        "ix_repository_paths_target",
        "repository_paths",
        ["target_project", "target_repository"],
        unique=False,
    )
    op.create_table(
        "tokens",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("login", TEXT, nullable=False),
        sa.Column("secret_hash", TEXT, nullable=False),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("project", TEXT, nullable=True),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("expires_at", BIG, nullable=True),
        sa.Column("last_used_at", BIG, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_tokens_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("login", name="uq_tokens_login"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tokens_account_id", "tokens", ["account_id", "kind", "id"], unique=False)
    op.create_table(
        "builds",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("package_id", BIG, nullable=True),
        sa.Column("package", TEXT, nullable=False),
        sa.Column("commit", TEXT, nullable=False),
        sa.Column("rev", BIG, nullable=False),
        sa.Column("srcmd5", TEXT, nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.Column("submitter", TEXT, nullable=True),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("source_state", TEXT, nullable=False),
        sa.Column("source_type", TEXT, nullable=False),
        sa.Column("source_dict", TEXT, nullable=False),
        sa.Column("source_version", TEXT, nullable=False),
        sa.Column("source_details", TEXT, nullable=False),
        sa.Column("source_started_at", BIG, nullable=True),
        sa.Column("source_ended_at", BIG, nullable=True),
        sa.Column("options", TEXT, nullable=False),
        sa.Column("canceled", sa.Boolean(), nullable=False),
        sa.Column("source_attempt", BIG, nullable=False),
        sa.Column("source_beat_at", BIG, nullable=True),
        sa.ForeignKeyConstraint(["package_id"], ["packages.id"], name="fk_builds_package_id"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_builds_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_builds"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_builds_package_id", "builds", ["package_id", "id"], unique=False)
    op.create_index("ix_builds_project_id", "builds", ["project_id", "id"], unique=False)
    op.create_index("ix_builds_source_state", "builds", ["source_state", "id"], unique=False)
    op.create_table(
        "contents",
        sa.Column("package_id", BIG, nullable=False, autoincrement=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("md5", TEXT, nullable=False),
        sa.Column("sha256", TEXT, nullable=True),
        sa.Column("size", BIG, nullable=False),
        sa.Column("blob", TEXT, nullable=False),
        sa.Column("large", sa.Boolean(), nullable=False),
        sa.Column("stored_at", BIG, nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["packages.id"], name="fk_contents_package_id"),
        sa.PrimaryKeyConstraint("package_id", "name", "md5", name="pk_contents"),
    )
    op.create_index(
        "ix_contents_blob", "contents", ["package_id", "blob", "stored_at"], unique=False
    )
    op.create_table(
        "file_locks",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("package_id", BIG, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("locked_at", BIG, nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["packages.id"], name="fk_file_locks_package_id"),
        sa.PrimaryKeyConstraint("id", name="pk_file_locks"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_file_locks_package_id", "file_locks", ["package_id", "id"], unique=False)
    op.create_index("ix_file_locks_path", "file_locks", ["package_id", "path"], unique=True)
    op.create_table(
        "known_trees",
        sa.Column("package_id", BIG, nullable=False, autoincrement=False),
        sa.Column("srcmd5", TEXT, nullable=False),
        sa.Column("tree", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["packages.id"], name="fk_known_trees_package_id"),
        sa.PrimaryKeyConstraint("package_id", "srcmd5", name="pk_known_trees"),
    )
    op.create_table(
        "large_grants",
        sa.Column("package_id", BIG, nullable=False, autoincrement=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["packages.id"], name="fk_large_grants_package_id"),
        sa.PrimaryKeyConstraint("package_id", "sha256", name="pk_large_grants"),
    )
    op.create_table(
        "revisions",
        sa.Column("package_id", BIG, nullable=False, autoincrement=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("number", BIG, nullable=False, autoincrement=False),
        sa.Column("commit", TEXT, nullable=False),
        sa.Column("tree", TEXT, nullable=False),
        sa.Column("srcmd5", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("vrev", BIG, nullable=False),
        sa.Column("user", TEXT, nullable=False),
        sa.Column("comment", TEXT, nullable=False),
        sa.Column("time", BIG, nullable=False),
        sa.Column("request_id", TEXT, nullable=True),
        sa.Column("operation", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["package_id"], ["packages.id"], name="fk_revisions_package_id"),
        sa.PrimaryKeyConstraint("package_id", "kind", "number", name="pk_revisions"),
    )
    op.create_index(
        "ix_revisions_commit", "revisions", ["package_id", "kind", "commit"], unique=True
    )
    op.create_index(
        "ix_revisions_operation",
        "revisions",
        ["package_id", "operation"],
        unique=False,
        sqlite_where=sa.text("operation IS NOT NULL"),
        postgresql_where=sa.text("operation IS NOT NULL"),
    )
    op.create_index(
        "ix_revisions_srcmd5", "revisions", ["package_id", "kind", "srcmd5", "number"], unique=False
    )
    op.create_index(
        "ix_revisions_version", "revisions", ["package_id", "kind", "version", "vrev"], unique=False
    )
    op.create_table(
        "targets",
        sa.Column("package_id", BIG, nullable=False, autoincrement=False),
        sa.Column("repository", TEXT, nullable=False),
        sa.Column("arch", TEXT, nullable=False),
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("details", TEXT, nullable=False),
        sa.Column("job_id", BIG, nullable=True),
        sa.Column("good_job_id", BIG, nullable=True),
        sa.Column("record", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["packages.id"], name="fk_targets_package_id"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_targets_project_id"),
        sa.PrimaryKeyConstraint("package_id", "repository", "arch", name="pk_targets"),
    )
    op.create_index("ix_targets_good_job_id", "targets", ["good_job_id"], unique=False)
    op.create_index("ix_targets_job_id", "targets", ["job_id"], unique=False)
    op.create_index(
        "ix_targets_project_id",
        "targets",
        ["project_id", "repository", "arch", "package_id"],
        unique=False,
    )
    op.create_table(
        "jobs",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("build_id", BIG, nullable=False),
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("package_id", BIG, nullable=False),
        sa.Column("repository", TEXT, nullable=False),
        sa.Column("arch", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("attempt", BIG, nullable=False),
        sa.Column("rev", BIG, nullable=False),
        sa.Column("srcmd5", TEXT, nullable=False),
        sa.Column("commit", TEXT, nullable=False),
        sa.Column("versrel", TEXT, nullable=False),
        sa.Column("bcnt", BIG, nullable=False),
        sa.Column("recipe", TEXT, nullable=False),
        sa.Column("priority", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("record", TEXT, nullable=False),
        sa.Column("install", TEXT, nullable=False),
        sa.Column("options", TEXT, nullable=False),
        sa.Column("result", TEXT, nullable=False),
        sa.Column("details", TEXT, nullable=False),
        sa.Column("worker", TEXT, nullable=False),
        sa.Column("lost", BIG, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("queued_at", BIG, nullable=True),
        sa.Column("started_at", BIG, nullable=True),
        sa.Column("ended_at", BIG, nullable=True),
        sa.Column("heartbeat_at", BIG, nullable=True),
        sa.ForeignKeyConstraint(["build_id"], ["builds.id"], name="fk_jobs_build_id"),
        sa.ForeignKeyConstraint(["package_id"], ["packages.id"], name="fk_jobs_package_id"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_jobs_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_build_id", "jobs", ["build_id", "id"], unique=False)
    op.create_index(
        "ix_jobs_history",
        "jobs",
        ["project_id", "repository", "arch", "ended_at", "id"],
        unique=False,
        sqlite_where=sa.text("result <> ''"),
        postgresql_where=sa.text("result <> ''"),
    )
    op.create_index("ix_jobs_state", "jobs", ["state", "id"], unique=False)
    op.create_index(
        "ix_jobs_target",
        "jobs",
        ["package_id", "repository", "arch", "is_open", "id"],
        unique=False,
    )
    op.create_index(
        "ix_jobs_versrel",
        "jobs",
        ["package_id", "repository", "versrel", "result", "bcnt"],
        unique=False,
    )
    op.create_index(
        "ix_jobs_waiting", "jobs", ["state", "arch", "priority", "owner", "id"], unique=False
    )
    op.create_table(
        "binaries",
        sa.Column("job_id", BIG, nullable=False, autoincrement=False),
        sa.Column("filename", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("md5", TEXT, nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("mtime", BIG, nullable=False),
        sa.Column("header", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_binaries_job_id"),
        sa.PrimaryKeyConstraint("job_id", "filename", name="pk_binaries"),
    )
    op.create_index("ix_binaries_name", "binaries", ["name", "job_id"], unique=False)


def downgrade() -> None:
    op.drop_table("binaries")
    op.drop_table("jobs")
    op.drop_table("targets")
    op.drop_table("revisions")
    op.drop_table("large_grants")
    op.drop_table("known_trees")
    op.drop_table("file_locks")
    op.drop_table("contents")
    op.drop_table("builds")
    op.drop_table("tokens")
    op.drop_table("repository_paths")
    op.drop_table("publications")
    op.drop_table("packages")
    op.drop_table("group_people")
    op.drop_table("grants")
    op.drop_table("signing_keys")
    op.drop_table("projects")
    op.drop_table("listings")
    op.drop_table("large_objects")
    op.drop_table("groups")
    op.drop_table("events")
    op.drop_table("accounts")
