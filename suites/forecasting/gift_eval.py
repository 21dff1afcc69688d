"""Problems of the GIFT-Eval collection (Aksu et al., 2024, arXiv:2410.10393)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tiltyard.dataset import Arrays
from tiltyard.datasets.gift_eval import CHECKSUMS, FILE, dataset_name
from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.names import Value
from tiltyard.suites.forecasting._calendar import modern
from tiltyard.suites.forecasting.panel import Panel, Times
from tiltyard.suites.forecasting.problem import ForecastProblem
from tiltyard.suites.forecasting.protocol import (
    HORIZONS,
    M4_HORIZONS,
    TERMS,
    parse_frequency,
    rolling,
    windows_of,
)

_FULL = ("car_parts_with_missing", "electricity/W", "hierarchical_sales/D", "us_births/W")


def _picks(parameters: Mapping[str, Value]) -> tuple[str, ...]:
    name = str(parameters["dataset"])
    if name not in CHECKSUMS:
        raise TiltyardError(
            f"gift-eval knows no checksum of {name!r}, only those of {', '.join(CHECKSUMS)}; of "
            f"another set, own-series[file=FOLDER/{name}/{FILE}] takes your copy"
        )
    return (dataset_name(name),)


@problem(
    suite="forecasting",
    track="rolling",
    tiers={"full": [{"dataset": name} for name in _FULL]},
    datasets=tuple(map(dataset_name, CHECKSUMS)),
    picks=_picks,
    needs={"pyarrow": "tiltyard[parquet]"},
)
def gift_eval(
    _rng: np.random.Generator, data: Arrays, *, dataset: str = "m4_weekly", term: str = "short"
) -> ForecastProblem:
    """Series of a set of the GIFT-Eval collection, such as ``electricity/W``, and a term.

    Several series of one item are series of their own. Horizons and windows are GIFT-Eval's: of a
    set of the M4 competition, one window of the competition's horizon.
    """
    m4 = dataset.startswith("m4_")
    panel = gift_panel(data)
    horizons = M4_HORIZONS if m4 else HORIZONS
    unit, _ = parse_frequency(panel.frequency)
    windows = 1
    if not m4 and unit in horizons and term in TERMS:
        # GIFT-Eval counts the missing values before a series' first one.
        windows = windows_of(int(data["lengths"].min()), horizons[unit] * TERMS[term])
    return rolling(panel, term, horizons=horizons, windows=windows)


def gift_panel(data: Arrays) -> Panel:
    """Return the panel of the arrays of ``tiltyard.datasets.gift_eval.read_arrow``.

    A series without any value, of which no forecast can be scored, is left out.

    Raises:
        TiltyardError: the frequency is unknown, or no series has a value.
    """
    frequency = modern(bytes(data["frequency"]).decode())
    kept = ~np.isnan(data["values"]).all(axis=1)
    starts = data["starts"][kept].astype("datetime64[s]")
    return Panel(
        values=data["values"][kept],
        frequency=frequency,
        ends=_ends(starts, data["lengths"][kept], frequency),
    )


def _ends(starts: Times, lengths: np.ndarray[tuple[int], np.dtype[np.int64]], alias: str) -> Times:
    """Return the times of last values: a start lies within the first period, not at its end."""
    import pandas as pd
    from pandas.tseries.frequencies import to_offset

    parse_frequency(alias)
    step = to_offset(alias)
    pairs = np.stack([starts.astype(np.int64), lengths], axis=1)
    once, which = np.unique(pairs, axis=0, return_inverse=True)
    ends = [
        step.rollforward(pd.Timestamp(start, unit="s")) + (length - 1) * step
        for start, length in once.tolist()
    ]
    return np.array(ends, "datetime64[s]")[which.ravel()]
