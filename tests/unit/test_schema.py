"""The records and the tables say the same."""

import types
import typing
from dataclasses import fields
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from newsarchive import model, schema

RECORDS: dict[str, type] = {
    "links": model.Link,
    "listings": model.ListingState,
    "captures": model.Capture,
    "versions": model.Version,
    "rejects": model.Reject,
    "articles": model.Article,
    "aliases": model.Alias,
    "coverage": model.Coverage,
    "removals": model.Removal,
}
TYPES: dict[Any, tuple[pa.DataType, ...]] = {
    str: (pa.string(),),
    date: (pa.date32(),),
    datetime: (pa.timestamp("us", tz="UTC"),),
    int: (pa.int32(), pa.int64()),
    float: (pa.float64(),),
    list[str]: (pa.list_(pa.string()),),
    dict[str, str]: (pa.map_(pa.string(), pa.string()),),
    dict[str, float]: (pa.map_(pa.string(), pa.float64()),),
    dict[str, int]: (pa.map_(pa.string(), pa.int64()),),
}


@pytest.mark.parametrize("name", RECORDS)
def test_records_are_rows(name: str) -> None:
    table, hints = schema.TABLES[name], typing.get_type_hints(RECORDS[name])
    assert sorted(f.name for f in fields(RECORDS[name])) == sorted(c.name for c in table.columns)
    for column in table.columns:
        hint = hints[column.name]
        nullable = isinstance(hint, types.UnionType)
        if nullable:
            hint = next(a for a in typing.get_args(hint) if a is not type(None))
        assert column.type in TYPES[hint], f"{name}.{column.name}"
        assert column.nullable is nullable, f"{name}.{column.name}"


def test_every_record_that_is_stored_is_tested() -> None:
    without_record = {"article_index", "stories"}
    assert set(RECORDS) | without_record == set(schema.TABLES)


@pytest.mark.parametrize("name", schema.TABLES)
def test_tables_say_what_they_hold(name: str) -> None:
    table = schema.TABLES[name]
    assert table.name == name and table.comment
    names = [c.name for c in table.columns]
    assert len(names) == len(set(names))
    assert "day" not in names, "which of the two days?"
    for column in table.columns:
        assert column.comment and "\n" not in column.comment, column.name
    by_name = {c.name: c for c in table.columns}
    assert not by_name[table.partition].nullable
    assert by_name[table.partition].type == pa.date32()
    assert not by_name[table.partition].volatile
    assert set(table.order) <= set(names)
    assert table.lasting == [c.name for c in table.columns if not c.volatile]


@pytest.mark.parametrize("name", schema.TABLES)
def test_arrow_schemas_carry_comments_and_fit_delta(name: str) -> None:
    table = schema.TABLES[name]
    arrow = table.arrow
    assert arrow.names == [c.name for c in table.columns]
    assert arrow.metadata == {b"schema_version": str(schema.SCHEMA_VERSION).encode()}
    for column, field in zip(table.columns, arrow, strict=True):
        assert field.metadata == {b"comment": column.comment.encode()}
        assert field.nullable is column.nullable
        assert not pa.types.is_unsigned_integer(field.type), "Delta has none"


def test_only_when_and_where_bytes_were_captured_is_volatile() -> None:
    volatile = {c.name for t in schema.TABLES.values() for c in t.columns if c.volatile}
    assert volatile == {
        *("captured_at", "capture_id", "elapsed_ms", "first_seen", "last_seen"),
        *("gone_at", "seen_until"),
        *("warc_path", "warc_offset", "warc_length", "warc_record_id", "record_sha256"),
    }
