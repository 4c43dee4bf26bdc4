"""Deliberate mistakes that the soak has to detect."""

import asyncio
import os
import threading

import anyio
import trio

KINDS = ("memory", "descriptors", "tasks", "threads", "twice", "lost", "duplicated")

# Enough to be seen, and not so many that the system refuses.
_MOST_OF_A_KIND = 200


class Sabotage:
    """Makes one of ``KINDS`` of mistakes, or none."""

    def __init__(self, kind: str | None) -> None:
        self._kind = kind
        self._kept: list[object] = []
        self.creates_twice = kind == "twice"

    def after_job(self) -> None:
        """Leak a little, if that is the kind."""
        if self._kind == "memory":
            self._kept.append([bytearray(65536), *([] for _ in range(1000))])
        elif len(self._kept) == _MOST_OF_A_KIND:
            return
        elif self._kind == "descriptors":
            self._kept.append(os.open(os.devnull, os.O_RDONLY))
        elif self._kind == "tasks" and trio.lowlevel.in_trio_task():
            self._kept.append(trio.lowlevel.spawn_system_task(anyio.sleep_forever))
        elif self._kind == "tasks":
            self._kept.append(asyncio.create_task(anyio.sleep_forever()))
        elif self._kind == "threads":
            thread = threading.Thread(target=threading.Event().wait, daemon=True, name="kept")
            self._kept.append(thread)
            thread.start()

    def tampered(self, ids: list[int]) -> list[int]:
        """Return what came, with one lost or duplicated if that is the kind."""
        middle = len(ids) // 2
        next_one = {"lost": middle + 1, "duplicated": middle - 1}.get(self._kind or "", middle)
        return ids[:middle] + ids[next_one:]
