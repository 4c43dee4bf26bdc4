"""CPU time that each library takes to decode a page."""

import json
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from benchmarks.control import get

__all__ = ["DECODERS", "decode"]

Decode: TypeAlias = Callable[[bytes], Any]

TARGET = "/api/3.0/users/search.json?page=1&count=50"


def _reader() -> Decode:
    try:
        import orjson  # noqa: PLC0415 - an optional extra
    except ImportError:
        return json.loads
    return orjson.loads


def _ours() -> Decode:
    from useresponse_async._decode import page_of, parse  # noqa: PLC0415 - only where measured
    from useresponse_async.models import User  # noqa: PLC0415

    read_page = page_of(User, number=1, size=50)
    return lambda body: read_page(parse(body)).items


def _cattrs() -> Decode:
    import cattrs  # noqa: PLC0415 - only where measured

    from benchmarks.models.plain_attrs import UserPage  # noqa: PLC0415

    read, converter = _reader(), cattrs.Converter()
    return lambda body: converter.structure(read(body), UserPage).data


def _pydantic() -> Decode:
    from benchmarks.models.generated import UserPage  # noqa: PLC0415 - only where measured

    return lambda body: UserPage.model_validate_json(body).data


def _msgspec() -> Decode:
    import msgspec  # noqa: PLC0415 - only where measured

    from benchmarks.models.structs import UserPage  # noqa: PLC0415

    decoder = msgspec.json.Decoder(UserPage)
    return lambda body: decoder.decode(body).data


def _plain() -> Decode:
    read = _reader()
    return lambda body: read(body)["data"]


DECODERS: dict[str, Callable[[], Decode]] = {
    "ours": _ours,
    "dict": _plain,
    "cattrs": _cattrs,
    "pydantic": _pydantic,
    "msgspec": _msgspec,
}
"""Factories, by name, of functions that decode the bytes of a page to users."""


async def decode(*, url: str, batches: int, repeats: int) -> dict[str, list[float]]:
    """Decode a page with each decoder in turn.

    Args:
        url: The server to take the page from.
        batches: Number of batches of each decoder.
        repeats: Number of pages in a batch.

    Returns:
        By decoder, the processor time of each batch, in microseconds per user: what else runs
        on the machine must not count against the slower ones.
    """
    body = get(url, TARGET)
    decoders = {name: make() for name, make in DECODERS.items()}
    users = {name: len(read(body)) for name, read in decoders.items()}  # warms up, too
    times: dict[str, list[float]] = {name: [] for name in decoders}
    for _ in range(batches):
        for name, read in decoders.items():
            started = time.process_time()
            for _ in range(repeats):
                read(body)
            taken = time.process_time() - started
            times[name].append(taken / repeats / users[name] * 1e6)
    return times
