# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Records of annotation files, which may be damaged: what is read from them is checked and named."""

from collections.abc import Generator, Iterable
from typing import Any

from unires_hf.data.brief import brief
from unires_hf.data.schema import Row, Skipped


def take(record: Any, key: str, *kinds: type) -> Any:
    """`record[key]`, which must be of one of the `kinds`.

    Raises:
        ValueError: if the record is no dict, lacks the key, or holds something else there.
    """
    if key not in as_record(record):
        raise ValueError(f"'{key}' is missing.")
    value = record[key]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"'{key}' should be {expected}, got {brief(value)}.")
    return value


def as_record(value: Any) -> Row:
    """The value, which must be a dict.

    Raises:
        ValueError: if it is none.
    """
    if not isinstance(value, dict):
        raise ValueError(f"a record was expected, got {brief(value)}.")
    return value


def listed(record: Row, key: str) -> list:
    """The list at `record[key]`, empty where there is none.

    Raises:
        ValueError: if something else is there.
    """
    return take(record, key, list) if key in record else []


def record_id(record: Row) -> int | str:
    """The id of a record.

    Raises:
        ValueError: if it has none.
    """
    return take(record, "id", int, str)


def find(records: dict[Any, Any], key: Any) -> Any:
    """`records[key]`.

    Raises:
        ValueError: if there is no such record.
    """
    if not isinstance(key, int | str) or isinstance(key, bool) or key not in records:
        raise ValueError(f"it points to {brief(key)}, which does not exist.")
    return records[key]


def grouped(source: str, records: Any, key: str) -> Generator[Skipped, None, dict[str, list[Row]]]:
    """Groups a list of records by the name at `key`, as the generator's value; a record without it is skipped.

    Raises:
        ValueError: if `records` is no list.
    """
    if not isinstance(records, list):
        raise ValueError(f"the annotations of {source} are a list of records, got {type(records).__name__}.")
    groups: dict[str, list[Row]] = {}
    for number, record in enumerate(records):
        try:
            groups.setdefault(take(record, key, str), []).append(record)
        except ValueError as error:
            yield Skipped(source, f"record number {number}", str(error))
    return groups


def category_names(coco: dict[str, Any]) -> dict[Any, str]:
    """The names of a COCO file's categories by id.

    Raises:
        ValueError: if the file has none.
    """
    return named((take(it, "id", int), take(it, "name", str)) for it in take(coco, "categories", list))


def named(pairs: Iterable[tuple[int, Any]]) -> dict[int, Any]:
    """The names by id.

    Raises:
        ValueError: if one id has two names.
    """
    names: dict[int, Any] = {}
    for own_id, name in pairs:
        if names.setdefault(own_id, name) != name:
            raise ValueError(f"the id {own_id} is called {brief(names[own_id])} and {brief(name)}: mend the file.")
    return names
