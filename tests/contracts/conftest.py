"""Fixtures of the contract suites."""

from tests.contracts.records_fixtures import records, records_url, sqlite_records

__all__ = ["records", "records_url", "sqlite_records"]
