"""Conversion of plain data to models: the inverse of ``to_dict()``."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, get_origin

import attrs

from useresponse_async._exceptions import ArgumentError
from useresponse_async._secret import Secret

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["from_plain"]

T = TypeVar("T")

_Hook: TypeAlias = Callable[[Any, Any], Any]


def from_plain(data: Any, model: type[T]) -> T:
    """Return the ``model`` that ``to_dict()`` serialized as ``data``.

    Raises:
        ArgumentError: A field is unknown, missing or of another type; the message names it.
    """
    from cattrs import BaseValidationError, transform_error  # noqa: PLC0415 - as below

    try:
        return _converter().structure(data, model)
    except BaseValidationError as error:
        problems = "; ".join(transform_error(error, path=model.__name__))
    except (TypeError, AttributeError):
        problems = f"expected a dictionary @ {model.__name__}"
    raise ArgumentError("data", problems)


@functools.cache
def _converter() -> Converter:
    # cattrs takes a tenth of the package's time to import, and most programs do not need it.
    from cattrs import Converter  # noqa: PLC0415
    from cattrs.cols import list_structure_factory  # noqa: PLC0415
    from cattrs.gen import make_dict_structure_fn, override  # noqa: PLC0415

    converter = Converter(forbid_extra_keys=True)

    def model_hook(model: type[Any]) -> _Hook:
        extra = override(rename="extra")
        return make_dict_structure_fn(
            model, converter, _cattrs_use_linecache=False, _cattrs_use_alias=False, _extra=extra
        )

    def list_hook(wanted: Any) -> _Hook:
        hook: _Hook = list_structure_factory(wanted, converter)
        return lambda value, _: hook(_exactly(value, list), wanted)

    def is_list(wanted: Any) -> bool:
        return bool(get_origin(wanted) is list)

    for kind in (bool, int, str):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(datetime, _moment)
    converter.register_structure_hook(Secret, _secret)
    converter.register_structure_hook_factory(is_list, list_hook)
    converter.register_structure_hook_factory(attrs.has, model_hook)
    return converter


def _exactly(value: Any, wanted: type[T]) -> T:
    if type(value) is not wanted:
        raise TypeError(type(value).__name__)
    return value


def _moment(value: Any, _wanted: object) -> datetime:
    return datetime.fromisoformat(_exactly(value, str))


def _secret(value: Any, _wanted: object) -> Secret:
    text = Secret(_exactly(value, str))
    # to_dict() masks a secret, so that its text is unknown, as after pickling.
    return pickle.loads(pickle.dumps(text)) if str(text) == value else text  # noqa: S301
