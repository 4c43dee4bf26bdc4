"""Pictures of the results."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.capacity import BIN_SECONDS
from benchmarks.contenders import CONTENDERS
from benchmarks.parts.pacing import Run

__all__ = ["draw_pacing", "draw_walks"]

_COLOURS: Final = {
    "ours": "#0b5cad",
    "ours-aiohttp": "#1f9ed1",
    "ours-speedups": "#4f7fbf",
    "ours-both": "#0aa38f",
    "httpx": "#d1495b",
    "aiohttp": "#edae49",
    "generated": "#7d5ba6",
    "useresponse": "#6b6b6b",
}
_PAGE_SIZE: Final = 50


def _figure(columns: int, *, height: float) -> tuple[Any, list[Any]]:
    # matplotlib is imported here, so that nothing else waits for it.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    mpl.rcParams.update(
        {
            "svg.fonttype": "none",  # text stays text
            "svg.hashsalt": "useresponse-async",  # the same results give the same file
            "font.family": "sans-serif",
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )
    figure: Any = Figure(figsize=(4.6 * columns, height), layout="constrained")
    axes: Any = figure.subplots(1, columns, squeeze=False)
    return figure, list(axes[0])


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None})


def draw_walks(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Draw users per second against pages in flight, a panel for each latency.

    Args:
        path: The SVG file.
        records: One for each walk, as ``walks.measure`` returns them.
    """
    latencies = sorted({float(record["latency_seconds"]) for record in records})
    figure, axes = _figure(len(latencies), height=4.2)
    for axis, latency in zip(axes, latencies, strict=True):
        for name, contender in CONTENDERS.items():
            medians = _medians(records, name, latency)
            if medians:
                axis.plot(
                    list(medians),
                    list(medians.values()),
                    label=contender.title,
                    color=_COLOURS[name],
                    marker="s" if contender.sequential else "o",
                    markersize=4,
                    linewidth=2.2 if name == "ours" else 1.3,
                )
        if latency:
            flying = sorted({int(record["in_flight"]) for record in records})
            limits = [number * _PAGE_SIZE / latency for number in flying]
            axis.plot(
                flying, limits, color="#999999", linestyle=":", label="what the latency allows"
            )
        axis.set_title(f"{latency * 1000:.0f} ms latency")
        axis.set_xlabel("pages in flight")
        axis.set_ylabel("users per second")
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xticks([1, 5, 10, 20, 50], labels=["1", "5", "10", "20", "50"])
        axis.set_xticks([], minor=True)
        axis.grid(visible=True, alpha=0.25, which="both", linewidth=0.5)
    handles, labels = axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    _save(figure, path)


def _medians(
    records: Sequence[Mapping[str, Any]], contender: str, latency: float
) -> dict[int, float]:
    rates: dict[int, list[float]] = {}
    for record in records:
        if record["contender"] == contender and record["latency_seconds"] == latency:
            rates.setdefault(record["in_flight"], []).append(record["users_per_second"])
    return {flying: statistics.median(rates[flying]) for flying in sorted(rates)}


def draw_pacing(path: Path, run: Run) -> None:
    """Draw the server's capacity, the requests served and rejected, and the limit over time."""
    figure, (axis,) = _figure(1, height=3.4)
    figure.set_size_inches(9.2, 3.4)
    edges = [place * BIN_SECONDS for place in range(len(run.served) + 1)]
    both = [served + refused for served, refused in zip(run.served, run.refused, strict=True)]
    axis.stairs(both, edges, fill=True, color="#d1495b", label="refused per 100 ms")
    axis.stairs(run.served, edges, fill=True, color="#9cc5e8", label="served per 100 ms")
    changes = [slots.since for slots in run.schedule] + [len(run.served) * BIN_SECONDS]
    capacity = [slots.count / run.latency * BIN_SECONDS for slots in run.schedule]
    axis.stairs(capacity, changes, baseline=None, color="#333333", linestyle="--", label="capacity")
    axis.plot(
        [moment for moment, _ in run.limits],
        [limit for _, limit in run.limits],
        color="#0b5cad",
        linewidth=1.4,
        label="the client's limit, requests in flight",
    )
    axis.set_xlim(0, changes[-1])
    axis.set_ylim(0, max([*capacity, *run.served, 1]) * 1.5)
    axis.set_xlabel("seconds")
    axis.set_ylabel("requests")
    axis.grid(visible=True, axis="y", alpha=0.25, linewidth=0.5)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    _save(figure, path)
