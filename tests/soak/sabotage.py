"""Deliberate mistakes that the soak has to detect."""

import asyncio
import logging
import os
import threading

import anyio
import trio

KINDS = ("memory", "descriptors", "tasks", "threads", "key", "twice", "lost", "duplicated")

# Enough to be seen, and not so many that the system refuses.
_MOST_OF_A_KIND = 200


class Sabotage:
    """Does one kind of wrong on purpose, or none.

    Args:
        kind: One of ``KINDS``.
        key: The API key.
    """

    def __init__(self, kind: str | None, key: str) -> None:
        self._kind = kind
        self._key = key
        self._kept: list[object] = []
        self._made = 0

    def after_job(self) -> None:
        """Leak a little, if that is the kind."""
        if self._kind == "memory":
            self._kept.append([bytearray(65536), *([] for _ in range(1000))])
        elif self._kind == "key":
            logging.getLogger("httpx").getChild("wire").debug("sent with %s", self._key)
        elif self._made < _MOST_OF_A_KIND:
            self._made += self._leak_one()

    def _leak_one(self) -> bool:
        if self._kind == "descriptors":
            self._kept.append(os.open(os.devnull, os.O_RDONLY))
        elif self._kind == "tasks" and trio.lowlevel.in_trio_task():
            trio.lowlevel.spawn_system_task(anyio.sleep_forever)
        elif self._kind == "tasks":
            self._kept.append(asyncio.create_task(anyio.sleep_forever()))
        elif self._kind == "threads":
            threading.Thread(target=threading.Event().wait, daemon=True, name="kept").start()
        else:
            return False
        return True

    @property
    def creates_twice(self) -> bool:
        """Whether what is created is created twice."""
        return self._kind == "twice"

    def tampered(self, ids: list[int | None]) -> list[int | None]:
        """Return what came, with one lost or duplicated if that is the kind."""
        middle = len(ids) // 2
        if self._kind == "lost":
            return ids[:middle] + ids[middle + 1 :]
        if self._kind == "duplicated":
            return ids[:middle] + ids[middle - 1 :]
        return ids
