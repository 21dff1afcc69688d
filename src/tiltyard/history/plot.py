"""Draws series of a history, one panel each, to a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiltyard.errors import TiltyardError
from tiltyard.history.benchmarks import Kind
from tiltyard.history.frame import SERIES
from tiltyard.history.view import describe_conditions

if TYPE_CHECKING:
    import pandas as pd

FORMATS = (".svg", ".pdf", ".png")

PANELS = 24
"""More panels than this cannot be read; the user is asked to choose."""

_POSITIVE = (Kind.TIME, Kind.MEMORY, Kind.ENERGY)


def plot(frame: pd.DataFrame, commits: Sequence[str], out: Path) -> int:
    """Draw every series over the commits: samples, medians, asv's intervals; return their number.

    Args:
        frame: from ``view.by_commit``, at most ``PANELS`` series.
        commits: full hashes, oldest first; they are the axis.
        out: ``.svg``, ``.pdf`` or ``.png``.

    Raises:
        TiltyardError: too many series, another format, or the file cannot be written.
    """
    if out.suffix not in FORMATS:
        raise TiltyardError(f"cannot plot to {out}: expected {', '.join(FORMATS)}")
    groups = list(frame.groupby(list(SERIES), sort=False))
    if len(groups) > PANELS:
        raise TiltyardError(
            f"{len(groups)} series are too many for one figure (at most {PANELS}); choose with "
            "--benchmark, --problem and --implementation"
        )
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    columns = min(len(groups), 2)
    rows = math.ceil(len(groups) / columns)
    figure = Figure(figsize=(6.4 * columns, 0.4 + 2.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for panel, (_, series) in zip(panels.flat, groups, strict=False):
        _draw(panel, series, commits)
    for panel in list(panels.flat)[len(groups) :]:
        panel.set_axis_off()
    try:
        # Nothing of the day or of chance: the same history gives the same bytes.
        with rc_context({"svg.hashsalt": "tiltyard"}):
            figure.savefig(out, metadata=_metadata(out.suffix))
    except OSError as error:
        raise TiltyardError(f"cannot write {out}: {error.strerror}") from None
    return len(groups)


def _draw(panel: Any, series: pd.DataFrame, commits: Sequence[str]) -> None:
    first = series.iloc[0]
    at = series["position"].to_numpy()
    for position, samples in zip(at, series["samples"], strict=True):
        if samples:
            panel.plot([position] * len(samples), samples, ".", color="0.6", markersize=3)
    panel.fill_between(at, series["low"], series["high"], color="#0072b2", alpha=0.2, linewidth=0)
    panel.plot(at, series["value"], "o-", color="#0072b2", markersize=4, linewidth=1.2)
    if first["kind"] in _POSITIVE and (series["value"] > 0).any():
        panel.set_yscale("log")
    title = " · ".join(part for part in (first["implementation"], first["problem"]) if part)
    panel.set_title(f"{first['benchmark']}\n{title}", fontsize=8, loc="left")
    panel.set_ylabel(first["unit"], fontsize=8)
    panel.set_xlabel(describe_conditions(dict(first)), fontsize=6)
    ticks = sorted({0, len(commits) // 2, len(commits) - 1})
    panel.set_xticks(ticks, [commits[index][:8] for index in ticks], fontsize=7)
    panel.set_xlim(-0.5, len(commits) - 0.5)
    panel.tick_params(axis="y", which="both", labelsize=7)


def _metadata(suffix: str) -> dict[str, None] | None:
    return (
        {"Date": None} if suffix == ".svg" else {"CreationDate": None} if suffix == ".pdf" else None
    )
