"""The plan and the server's address, as every part receives them."""

import attrs

from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.plan import Plan

__all__ = ["Bench"]


@attrs.frozen
class Bench:
    """One run of the suite."""

    plan: Plan
    url: str

    @property
    def contenders(self) -> list[Contender]:
        """The clients to measure."""
        return [CONTENDERS[name] for name in self.plan.contenders]

    def note(self, text: str) -> None:
        """Report what is being measured."""
        print(f"  … {text}", flush=True)
