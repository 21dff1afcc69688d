"""Times as files spell them, the frequency that they have, and each one's place on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError
from tiltyard.suites.forecasting.panel import Times
from tiltyard.suites.forecasting.protocol import parse_frequency

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Where = Callable[[int], str]
"""Returns the file and line of a row, for messages."""

DAY = 86_400
_OLD = {"H": "h", "T": "min", "S": "s", "M": "ME", "Q": "QE", "A": "YE", "Y": "YE"}
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_ZONE = re.compile(r"[T ]\d.*(?:Z|[+-]\d\d:?(?:\d\d)?)$", re.IGNORECASE)


def modern(frequency: str) -> str:
    """Return pandas' present alias for one of before its version 2.2: ``h`` for ``H``."""
    match = re.fullmatch(r"(\d*)([A-Z])(-[A-Z]{3})?", frequency)
    if match is None or match[2] not in _OLD:
        return frequency
    return f"{match[1]}{_OLD[match[2]]}{match[3] or ''}"


def read_times(given: Any, form: str, where: Where) -> Times:
    """Return (n,) datetime64[s]; times with an offset from UTC are brought to UTC.

    Args:
        given: texts, or a pandas Series of dates or time stamps.
        form: ``iso`` for ISO 8601, or a format as ``strptime`` takes it.
        where: for messages.

    Raises:
        TiltyardError: naming the first row whose time is none, is finer than a second, or has an
            offset where others have none.
    """
    import pandas as pd

    column = pd.Series(given)
    if column.dtype.kind in "iufb":
        raise TiltyardError(
            f"{where(0)}: expected a time, found the number {column.iloc[0]}: numbers have no "
            "frequency"
        )
    if column.dtype.kind != "M":
        # The times of many series are the same ones.
        which, once = pd.factorize(column.astype(str).fillna(""))
        first = np.unique(which, return_index=True)[1]
        parsed = _parsed(pd.Series(once), form, lambda one: where(int(first[one])))
        column = parsed.iloc[which].reset_index(drop=True)
    elif column.dt.tz is not None:
        column = column.dt.tz_convert("UTC")
    none = column.isna().to_numpy()
    if none.any():
        row = int(none.argmax())
        shape = "an ISO 8601 time such as 2024-01-31 13:00:00 (or give format=...)"
        raise TiltyardError(
            f"{where(row)}: expected {shape if form == 'iso' else f'a time like {form}'}, found "
            f"{str(pd.Series(given).iloc[row])!r}"
        )
    if column.dt.tz is not None:
        column = column.dt.tz_localize(None)
    exact = column.to_numpy()
    times: Times = exact.astype("datetime64[s]")
    if (times != exact).any():
        row = int((times != exact).argmax())
        raise TiltyardError(f"{where(row)}: the time {exact[row]} is finer than a second")
    return times


def _parsed(texts: Any, form: str, where: Where) -> Any:
    import pandas as pd

    if form != "iso":
        try:
            return pd.to_datetime(texts, format=form, errors="coerce", utc="%z" in form)
        except ValueError as error:
            raise TiltyardError(f"format={form}: {error}") from None
    zoned = texts.str.contains(_ZONE).to_numpy()
    if zoned.any() and not zoned.all():
        row = int((zoned != zoned[0]).argmax())
        raise TiltyardError(
            f"{where(row)}: some times have an offset from UTC and some have none, such as "
            f"{texts.iloc[row]!r}"
        )
    # pandas reads words, such as today, as times.
    dated = texts.where(texts.str.match(r"\d{4}"))
    return pd.to_datetime(dated, format="ISO8601", errors="coerce", utc=bool(zoned.any()))


def infer(times: Times, first: Bools, where: Where) -> str:
    """Return the frequency of series one after another, each in the order of time.

    It is the step that neighbours have most often and of which every other one is a multiple; a
    longer one leaves values out. Days without any weekend are business days.

    Args:
        times: (n,) datetime64[s].
        first: (n,), where a series begins.
        where: for messages.

    Raises:
        TiltyardError: there are fewer than two times in every series, or the spacing is irregular,
            or another in one series than in another.
    """
    apart = np.flatnonzero(~first)  # rows with a neighbour before them
    if not len(apart):
        raise TiltyardError(f"{where(0)}: one time alone has no frequency; give frequency=...")
    steps = np.diff(times).astype(np.int64)[apart - 1]
    if steps.min() >= 28 * DAY and (alias := _months(times, apart, first, where)):
        return alias
    step = _step(steps, apart, where)
    _one_step(steps, apart, first, step, where)
    if step % DAY:
        unit, name = next(one for one in ((3600, "h"), (60, "min"), (1, "s")) if step % one[0] == 0)
        return f"{step // unit if step > unit else ''}{name}"
    weekday = (times.astype("datetime64[D]").astype(np.int64) + 3) % 7
    if step == 7 * DAY:
        _same(weekday, first, "day of the week", where)
        return f"W-{_WEEKDAYS[weekday[0]]}"
    if step == DAY and weekday.max() < 5 and (steps == 3 * DAY).any():
        return "B"
    return "D" if step == DAY else f"{step // DAY}D"


def places(times: Times, first: Bools, frequency: str, where: Where) -> Ints:
    """Return (n,) numbers that count steps of a frequency; only their differences matter.

    Args:
        times: as in ``infer``.
        first: as in ``infer``.
        frequency: pandas' alias.
        where: for messages.

    Raises:
        TiltyardError: the frequency is unknown, or a time does not lie on it.
    """
    import pandas as pd
    from pandas.tseries.frequencies import to_offset

    _, multiple = parse_frequency(frequency)
    offset = to_offset(frequency)
    name = offset.rule_code
    if name in ("D", "h", "min", "s"):
        every = multiple * {"D": DAY, "h": 3600, "min": 60, "s": 1}[name]
        counted = times.astype(np.int64)
    else:
        every = multiple
        grid = pd.date_range(times.min(), times.max(), freq=offset.base)
        counted = grid.get_indexer(pd.DatetimeIndex(times)).astype(np.int64)
        if (counted < 0).any():
            row = int((counted < 0).argmax())
            raise TiltyardError(f"{where(row)}: {times[row]} is no time of frequency {frequency}")
    begin = counted[first][np.cumsum(first) - 1]
    steps, rest = np.divmod(counted - begin, every)
    if rest.any():
        row = int((rest > 0).argmax())
        raise TiltyardError(
            f"{where(row)}: {times[row]} is not in steps of {frequency} from the series' first "
            f"time {times[first][np.cumsum(first)[row] - 1]}"
        )
    return np.asarray(steps, np.int64)


def _months(times: Times, apart: Ints, first: Bools, where: Where) -> str:
    """Return the frequency of first or last days of months, or the empty string."""
    days = times.astype("datetime64[D]")
    month = times.astype("datetime64[M]")
    begins = bool((days == month.astype("datetime64[D]")).all())
    ends = bool(((days + 1).astype("datetime64[M]") > month).all())
    if (times != days).any() or not (begins or ends):
        return ""
    number = month.astype(np.int64)  # since January 1970
    steps = np.diff(number)[apart - 1]
    step = _step(steps, apart, where, "months")
    _one_step(steps, apart, first, step, where)
    kind = "S" if begins else "E"
    if step not in (3, 12):
        return f"{step if step > 1 else ''}M{kind}"
    _same(number % step, first, "month", where)
    at = int(number[0] % step)
    if step == 12:
        return f"Y{kind}-{_MONTHS[at]}"
    return f"QS-{_MONTHS[at]}" if begins else f"QE-{_MONTHS[at + 9]}"


def _step(steps: Ints, apart: Ints, where: Where, unit: str = "seconds") -> int:
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[counts.argmax()])
    wrong = steps % step != 0
    if wrong.any():
        one, usual = int(wrong.argmax()), int((steps == step).argmax())
        raise TiltyardError(
            f"{where(int(apart[one]))}: the spacing is irregular: {_said(int(steps[one]), unit)} "
            f"after the time before, {_said(step, unit)} at "
            f"{where(int(apart[usual])).rpartition(', ')[2]}; resample the series, or give "
            "frequency=..."
        )
    return step


def _said(step: int, unit: str) -> str:
    """Return a step in the largest unit that fits."""
    if unit == "seconds":
        every = {"days": DAY, "hours": 3600, "minutes": 60, "seconds": 1}
        unit = next(name for name, seconds in every.items() if step % seconds == 0)
        step //= every[unit]
    return f"{step} {unit if step > 1 else unit[:-1]}"


def _one_step(steps: Ints, apart: Ints, first: Bools, step: int, where: Where) -> None:
    """Refuse a series of three times or more of which no two are one step apart."""
    series = (np.cumsum(first) - 1)[apart]
    smallest = np.full(int(series[-1]) + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, series, steps)
    other = (smallest > step) & (np.bincount(series, minlength=len(smallest)) > 1)
    if other.any():
        row = int(apart[(series == int(other.argmax())).argmax()])
        raise TiltyardError(
            f"{where(row)}: series of several frequencies: the times of this one are "
            f"{smallest[other.argmax()] // step} times as far apart as those of others"
        )


def _same(what: Ints, first: Bools, name: str, where: Where) -> None:
    """Refuse series that begin on different days or months of a longer frequency."""
    begins = np.flatnonzero(first)
    other = what[begins] != what[0]
    if other.any():
        row = int(begins[int(other.argmax())])
        raise TiltyardError(
            f"{where(row)}: series of several frequencies: this one's {name} is another than that "
            f"of {where(0).rpartition(', ')[2]}"
        )
