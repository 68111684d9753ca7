"""Alembic's scripts; run by ``storage.records.migrate``."""
