"""Dataclasses to JSON text and back.

One generic codec serves every value the records keep as text: metas, listings
of grants, reasons. A field that holds its default is left out, an unknown key
is ignored, so that a field can be added without touching old rows.

Text is written as ASCII with escapes: NUL and lone surrogates survive in every
database.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Decoder = Callable[[Any], Any]

_PLAIN = (str, int, float, bool, NoneType, object)


def dumps(value: Any) -> str:
    """Write a dataclass, or any plain JSON value, as compact JSON text."""
    return json.dumps(encode(value), separators=(",", ":"))


def parse(text: str) -> Any:
    """Read JSON text into plain values."""
    return json.loads(text)


def loads(cls: type[T], text: str) -> T:
    """Read what ``dumps`` wrote from an instance of the dataclass ``cls``."""
    hint: Any = cls
    value: T = _object_decoder(hint)(json.loads(text))
    return value


def encode(value: Any) -> Any:
    """Turn dataclasses, tuples and enums inside ``value`` into plain JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            name: encode(content)
            for name, default in _defaults(type(value))
            if (content := getattr(value, name)) != default
        }
    if isinstance(value, dict):
        return {str(key): encode(content) for key, content in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [encode(content) for content in value]
    if isinstance(value, Enum):
        return value.value
    return value


@cache
def decoder(hint: Any) -> Decoder | None:
    """How to turn a JSON value into a value of type ``hint``; None when it is one already.

    Raises:
        TypeError: The codec does not know such a type.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any or hint in _PLAIN or origin is Literal or hint is dict or origin is dict:
        return None
    if origin in (Union, UnionType):
        return _optional_decoder(arguments)
    if origin is tuple:
        return _tuple_decoder(arguments)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if isinstance(hint, type) and is_dataclass(hint):
        return _object_decoder(hint)
    raise TypeError(f"no JSON form for {hint!r}")


@cache
def _object_decoder(cls: Any) -> Decoder:
    hints = get_type_hints(cls)
    known = {field.name: decoder(hints[field.name]) for field in fields(cls)}

    def decode(data: dict[str, Any]) -> Any:
        arguments = {}
        for name, value in data.items():
            if name in known:
                convert = known[name]
                arguments[name] = value if convert is None else convert(value)
        return cls(**arguments)

    return decode


def _optional_decoder(arguments: tuple[Any, ...]) -> Decoder | None:
    inner = [argument for argument in arguments if argument is not NoneType]
    if len(inner) != 1:
        raise TypeError(f"no JSON form for a union of {inner!r}")
    convert = decoder(inner[0])
    if convert is None:
        return None
    return lambda value: None if value is None else convert(value)


def _tuple_decoder(arguments: tuple[Any, ...]) -> Decoder:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        convert = decoder(arguments[0])
        if convert is None:
            return tuple
        return lambda values: tuple([convert(value) for value in values])
    converters = [decoder(argument) or _same for argument in arguments]
    return lambda values: tuple(
        [convert(value) for convert, value in zip(converters, values, strict=True)]
    )


def _same(value: Any) -> Any:
    return value


@cache
def _defaults(cls: type[Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, _default(field)) for field in fields(cls))


def _default(field: Field[Any]) -> Any:
    if field.default is not MISSING:
        return field.default
    if field.default_factory is not MISSING:
        return field.default_factory()
    return MISSING
