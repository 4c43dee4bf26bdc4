"""How many requests have been tried again?"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["RetryCount", "counted_retries"]


class RetryCount(logging.Handler):
    """Counts the retries that the client logs.

    Attributes:
        count: Retries so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count: int = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a retry."""
        del record
        self.count += 1


@contextmanager
def counted_retries() -> Generator[RetryCount, None, None]:
    """Count the retries inside the block, which are not written to stderr meanwhile."""
    logger = logging.getLogger("useresponse_async.retry")
    retries = RetryCount()
    logger.addHandler(retries)
    try:
        yield retries
    finally:
        logger.removeHandler(retries)
