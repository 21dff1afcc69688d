"""A user's own series: what is read, and what is refused in one line."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiltyard.errors import TiltyardError
from tiltyard.registry import registry
from tiltyard.suites.forecasting.readers import read_panel

FOUND = registry()
OFTEN = settings(max_examples=25, deadline=None)
FREQUENCIES = (
    "h",
    "30min",
    "15s",
    "D",
    "B",
    "W-WED",
    "MS",
    "ME",
    "QS-FEB",
    "QE-DEC",
    "YS-JAN",
    "2h",
)


def wide(times, values, name="ds"):
    """Return a wide CSV file's text, values (S, T)."""
    frame = pd.DataFrame(np.transpose(values), columns=[f"s{i}" for i in range(len(values))])
    frame.insert(0, name, times)
    return frame.to_csv(index=False)


def hours(count, **options):
    return wide(
        pd.date_range("2024-01-01", periods=count, freq="h"), [np.arange(count) % 7.0], **options
    )


@pytest.fixture
def read(tmp_path):
    def read(text, **options):
        path = tmp_path / "series.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_panel(path, **options)

    return read


@pytest.fixture
def build(tmp_path):
    def build(text, options=""):
        path = tmp_path / "series.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return FOUND.build("forecasting", f"own-series[file={path}{options and ','}{options}]")

    return build


def same(one, other):
    np.testing.assert_array_equal(one.values, other.values)
    assert one.frequency == other.frequency
    assert one.ends.tolist() == other.ends.tolist()
    assert one.names == other.names


@st.composite
def panels(draw):
    """Draw times and values (S, T) of which the last column is known, with gaps inside."""
    frequency = draw(st.sampled_from(FREQUENCIES))
    count, series = draw(st.integers(12, 40)), draw(st.integers(1, 4))
    times = pd.date_range(
        "2023-03-05 01:00" if frequency[-1] in "hns" else "2023-03-05",
        periods=count,
        freq=frequency,
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = rng.standard_normal((series, count)) * 10.0 ** rng.integers(-8, 9)
    values[rng.random(values.shape) < draw(st.sampled_from((0.0, 0.2)))] = np.nan
    values[:, [0, -1]] = 1.0
    return frequency, times, values


def long(times, values):
    """Return the rows of a long table, those of a series one after another."""
    return pd.concat(
        pd.DataFrame({"unique_id": f"s{i}", "ds": times, "y": row}) for i, row in enumerate(values)
    )


@OFTEN
@given(panels(), st.integers(0, 2**32))
def test_wide_and_long_files_and_every_order_of_series_are_one_panel(tmp_path_factory, drawn, seed):
    frequency, times, values = drawn
    folder = tmp_path_factory.mktemp("own")
    (folder / "wide.csv").write_text(wide(times, values))
    panel = read_panel(folder / "wide.csv")
    np.testing.assert_array_equal(panel.values, values)
    assert panel.frequency == frequency
    assert panel.ends.tolist() == [times[-1].to_pydatetime()] * len(values)

    rows = long(times, values)
    rows.to_csv(folder / "long.csv", index=False)
    same(read_panel(folder / "long.csv"), panel)
    owner = np.random.default_rng(seed).permutation(rows["unique_id"].to_numpy())
    mixed = rows.iloc[np.argsort(np.argsort(owner, kind="stable"), kind="stable")]
    mixed.to_csv(folder / "mixed.csv", index=False)
    same(read_panel(folder / "mixed.csv"), panel)
    rows.to_parquet(folder / "long.parquet", index=False)
    same(read_panel(folder / "long.parquet"), panel)
    pd.read_csv(io.StringIO(wide(times, values)), parse_dates=["ds"]).to_parquet(folder / "wide.pq")
    same(read_panel(folder / "wide.pq"), panel)


@OFTEN
@given(panels())
def test_missing_rows_are_missing_values(tmp_path_factory, drawn):
    frequency, times, values = drawn
    rows = long(times, values).dropna()
    path = tmp_path_factory.mktemp("own") / "long.csv"
    rows.to_csv(path, index=False)
    panel = read_panel(path, frequency=frequency)
    np.testing.assert_array_equal(panel.values, values)


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_the_problem_tells_the_files_times(build, frequency):
    times = pd.date_range("2020-01-01", periods=60, freq=frequency)
    problem = build(wide(times, [np.arange(60.0), np.ones(60)]), "horizon=5,windows=2,season=3")
    assert (problem.times(0, 60) == times.to_numpy().astype("datetime64[s]")).all()
    assert problem.history.shape == (2, 50)
    assert problem.facts["frequency"] == frequency
    assert problem.facts["season"] == 3


def test_series_of_different_lengths_end_at_their_own_ends(read):
    text = "id,time,value\n" + "".join(f"a,2024-01-0{d},{d}\n" for d in range(1, 7))
    text += "".join(f"b,2024-02-0{d},{10 * d}\n" for d in (1, 2, 4))
    panel = read(text)
    assert panel.names == ("a", "b")
    np.testing.assert_array_equal(
        panel.values, [[1, 2, 3, 4, 5, 6], [np.nan, np.nan, 10, 20, np.nan, 40]]
    )
    assert [str(end) for end in panel.ends] == ["2024-01-06T00:00:00", "2024-02-04T00:00:00"]


@pytest.mark.parametrize("absent", ["", "NA", "nan", "null", " None "])
def test_a_missing_value_is_nan(read, absent):
    panel = read(f"ds,a,b\n2024-01-01,1,2\n2024-01-02,{absent},3\n2024-01-03,4,5\n")
    np.testing.assert_array_equal(panel.values, [[1, np.nan, 4], [2, 3, 5]])


def test_columns_of_other_names_are_named(read):
    text = "when,who,how much,weather\n2024-01-01,a,1,sun\n2024-01-02,a,2,rain\n"
    panel = read(text, time="when", id="who", value="how much")
    assert panel.names == ("a",)
    np.testing.assert_array_equal(panel.values, [[1.0, 2.0]])
    assert read(text, time="when", value="how much").names == ("how much",)


def test_a_byte_order_mark_and_line_ends_of_windows_are_read(read):
    panel = read(b"\xef\xbb\xbfds,a\r\n2024-01-01,1\r\n2024-01-02,2\r\n")
    np.testing.assert_array_equal(panel.values, [[1.0, 2.0]])


def test_offsets_from_utc_are_taken_off_over_a_change_of_clocks(read):
    # Paris, 2024-10-27: the hour from 2 to 3 comes twice.
    text = "ds,a\n2024-10-27T01:00+02:00,1\n2024-10-27T02:00+02:00,2\n2024-10-27T02:00+01:00,3\n"
    panel = read(text)
    np.testing.assert_array_equal(panel.values, [[1.0, 2.0, 3.0]])
    assert str(panel.ends[0]) == "2024-10-27T01:00:00"


def test_a_local_hour_that_clocks_skip_is_missing(read):
    text = "ds,a\n2024-03-31 00:00,1\n2024-03-31 01:00,2\n2024-03-31 03:00,3\n2024-03-31 04:00,4\n"
    np.testing.assert_array_equal(read(text).values, [[1, 2, np.nan, 3, 4]])


def test_time_zones_of_parquet_files_are_brought_to_utc(tmp_path):
    times = pd.date_range("2024-10-26 22:00", periods=5, freq="h", tz="Europe/Paris")
    pd.DataFrame({"ds": times, "a": range(5)}).to_parquet(tmp_path / "a.parquet")
    panel = read_panel(tmp_path / "a.parquet")
    assert panel.frequency == "h"
    assert str(panel.ends[0]) == "2024-10-27T00:00:00"


def test_a_format_of_times_and_an_old_alias_may_be_given(read):
    text = "ds,a\n31.01.2024,1\n29.02.2024,2\n31.03.2024,3\n"
    assert read(text, format="%d.%m.%Y").frequency == "ME"
    assert read(hours(5), frequency="H").frequency == "h"


def test_constant_series_are_a_problem_beside_others_alone(build):
    times = pd.date_range("2024-01-01", periods=300, freq="h")
    problem = build(wide(times, [np.ones(300), np.arange(300.0)]))
    assert problem.history.shape == (2, 252)
    with pytest.raises(TiltyardError, match="every series is constant"):
        build(wide(times, [np.ones(300), np.zeros(300)]))


def test_the_long_horizon_track_splits_by_shares(build):
    problem = build(hours(1000), "horizon=24,track=long-horizon,validation=0.1,test=0.3")
    assert problem.facts["windows"] == 277
    assert (problem.train, problem.origin) == (600, 700)
    assert problem.history[:, :600].mean() == pytest.approx(0.0, abs=1e-12)
    assert FOUND.track("forecasting", "own-series[track=long-horizon]") == "long-horizon"


D = "ds,a\n2024-01-01,1\n2024-01-02,2\n"
BAD = {
    "empty file": ("", "line 1: expected the names of columns, found nothing"),
    "header alone": ("ds,a\n", "has no row of values"),
    "one time": ("ds,a\n2024-01-01,1\n", "line 2: one time alone has no frequency"),
    "no time column": ("a,b\n1,2\n", "give the one of the times as time=NAME, one of a, b"),
    "two time columns": ("ds,date,a\n1,2,3\n", "which column is the time? Give time=NAME"),
    "no values": ("ds\n2024-01-01\n", "line 1: no column is left for values"),
    "no value column": ("id,ds,a,b\n1,2,3,4\n", "give the one of the values as value=NAME"),
    "name twice": ("ds,a,a\n2024-01-01,1,2\n", "line 1, column 3: 'a' stands there twice"),
    "no name": ("ds,,a\n", "line 1, column 2: it has no name"),
    "semicolons": ("ds;a\n2024-01-01;1\n", "expected commas between the fields, found semicolons"),
    "fields": (D + "2024-01-03\n", "line 4: expected 2 fields, found 1"),
    "cut off": (D + "2024-01-0", "line 4: the last line has no line end"),
    "quotes": (D + '"2024-01-03,3\n', "line 4: unexpected end of data"),
    "not UTF-8": (D.encode() + b"2024-01-03,\xe9\n", "is not UTF-8 text: byte 0xe9"),
    "UTF-16": (D.encode("utf-16"), "is not UTF-8 text: byte 0xff"),
    "NUL": (b"PK\x03\x04\x00\n", "no column is named ds"),
    "text": (
        D + "2024-01-03,x\n",
        "line 4, column 2 (a): expected a finite number or nothing, found 'x'",
    ),
    "infinity": (D + "2024-01-03,-inf\n", "line 4, column 2 (a): expected a finite number"),
    "overflow": (D + "2024-01-03,1e999\n", "line 4, column 2 (a): expected a finite number"),
    "underscore": (D + "2024-01-03,1_0\n", "line 4, column 2 (a): expected a finite number"),
    "no time": (D + ",3\n", "line 4: expected an ISO 8601 time"),
    "a word": (D + "today,3\n", "line 4: expected an ISO 8601 time"),
    "a number": ("ds,a\n1,1\n2,2\n", "line 2: expected an ISO 8601 time"),
    "another order": (D + "03/01/2024,3\n", "line 4: expected an ISO 8601 time"),
    "no such day": (D + "2024-02-30,3\n", "line 4: expected an ISO 8601 time"),
    "duplicate": (
        D + "2024-01-02,3\n",
        "line 4: the time 2024-01-02T00:00:00 is that of line 3 again",
    ),
    "unsorted": (D + "2023-12-31,3\n", "line 4: the time 2023-12-31T00:00:00 is before 2024-01-02"),
    "irregular": (
        D + "2024-01-03,3\n2024-01-03 10:00,4\n",
        "line 5: the spacing is irregular: 10 hours after the time before, 1 day at line 3",
    ),
    "irregular months": (
        "ds,a\n2024-01-01,1\n2024-03-01,2\n2024-05-01,2\n2024-08-01,2\n",
        "line 5: the spacing is irregular: 3 months after the time before, 2 months at line 3",
    ),
    "middle of months": (
        "ds,a\n2024-01-15,1\n2024-02-15,2\n2024-03-15,2\n",
        "the spacing is irregular",
    ),
    "local midnights as offsets": (
        "ds,a\n2024-03-29T00:00+01:00,1\n2024-03-30T00:00+01:00,1\n2024-03-31T00:00+01:00,2\n2024-04-01T00:00+02:00,3\n",
        "line 5: the spacing is irregular: 23 hours",
    ),
    "some offsets": (D + "2024-01-03T00:00Z,3\n", "line 4: some times have an offset from UTC"),
    "fractions": (D + "2024-01-03T00:00:00.5,3\n", "line 4: the time 2024-01-03T00:00:00.5"),
    "wrong year": (
        D + "2024-01-03,3\n9204-01-04,4\n",
        "line 5: 2622441 values in a row are missing",
    ),
    "nothing known": ("ds,a,b\n2024-01-01,,1\n2024-01-02,,2\n", "series a has no value"),
    "no id": ("id,ds,y\n1,2024-01-01,1\n,2024-01-02,2\n", "line 3: expected the id of a series"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_in_one_line(read, case):
    text, message = BAD[case]
    with pytest.raises(TiltyardError) as error:
        read(text)
    assert message in str(error.value)
    assert "series.csv" in str(error.value)
    assert "\n" not in str(error.value)


ROWS = "id,ds,y\n" + "".join(f"a,2024-01-01 {h:02}:00,1\n" for h in range(6))
MIXED = {
    "coarser": "".join(f"b,2024-01-0{d},1\n" for d in range(1, 5)),
    "finer": "".join(f"b,2024-01-01 00:{m:02},1\n" for m in range(0, 60, 20)),
}


@pytest.mark.parametrize("case", MIXED)
def test_several_frequencies_in_one_file_are_refused(read, case):
    with pytest.raises(TiltyardError, match=r"line 9: (series of several frequencies|the spacing)"):
        read(ROWS + MIXED[case])


def test_weeks_that_begin_on_several_days_are_refused(read):
    days = [(i, 7 * week + i) for i in (1, 2) for week in range(3)]
    text = "id,ds,y\n" + "".join(f"{i},2024-01-{day:02},1\n" for i, day in days)
    with pytest.raises(
        TiltyardError, match="line 5: series of several frequencies: this one's day"
    ):
        read(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("horizon=-1", "horizon=-1 is no number of values"),
        ("horizon=1.5", "horizon: expected int, got '1.5'"),
        ("season=-24", "season=-24 is no number of values"),
        ("windows=-3", "windows=-3 is no number of values"),
        ("horizon=300", "leave nothing before them"),
        ("horizon=30,windows=10", "leave nothing before them"),
        ("frequency=fortnight", "frequency 'fortnight' is unknown"),
        ("frequency=-1h", "frequency '-1h' is unknown"),
        ("frequency=D", "line 3: 2024-01-01T01:00:00 is not in steps of D"),
        ("frequency=MS", "line 3: 2024-01-01T01:00:00 is no time of frequency MS"),
        ("time=when", "line 1: no column is named 'when'; it has ds, s0"),
        ("id=who", "line 1: no column is named 'who'"),
        ("value=ds", "line 1: no column is left for values"),
        ("track=short", "unknown track 'short'"),
        ("track=long-horizon,test=1.5", "are no shares that leave something to train on"),
        ("track=long-horizon,horizon=90", "a horizon of 90 does not fit into a test part of 48"),
        ("format=%d", "expected a time like %d, found '2024-01-01 00:00:00'"),
    ],
)
def test_impossible_parameters_are_refused(build, options, message):
    with pytest.raises(TiltyardError) as error:
        build(hours(240), options)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_series_without_history_is_refused(build):
    text = "id,ds,y\n" + "".join(f"a,2024-01-{d:02},{d}\n" for d in range(1, 31))
    with pytest.raises(TiltyardError, match="series b has 3 values, and the windows to forecast"):
        build(text + "".join(f"b,2024-01-{d:02},{d}\n" for d in range(1, 4)), "horizon=3")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.csv", "cannot be read: No such file"),
        ("absent.parquet", "cannot be read: No such file"),
        ("folder.csv", "cannot be read: Is a directory"),
        ("fake.parquet", "is no Parquet file"),
        ("table.xlsx", "its name ends in none of .csv, .parquet, .pq"),
        ("none", "give its path as file=PATH"),
        ("numbers.parquet", "row 1: expected a time, found the number 1"),
        ("null.parquet", "row 2: expected an ISO 8601 time"),
        ("nat.parquet", "row 1: expected an ISO 8601 time"),
        ("text.parquet", "column a: expected numbers, found"),
        ("infinite.parquet", "row 2, column a: expected a finite number, found inf"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path, monkeypatch, name, message):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "fake.parquet").write_text(D)
    times = pd.date_range("2024-01-01", periods=2)
    pd.DataFrame({"ds": [1, 2], "a": [1, 2]}).to_parquet(tmp_path / "numbers.parquet")
    pd.DataFrame({"ds": ["2024-01-01", None], "a": [1, 2]}).to_parquet(tmp_path / "null.parquet")
    pd.DataFrame({"ds": [pd.NaT, times[0]], "a": [1, 2]}).to_parquet(tmp_path / "nat.parquet")
    pd.DataFrame({"ds": times, "a": ["x", "y"]}).to_parquet(tmp_path / "text.parquet")
    pd.DataFrame({"ds": times, "a": [1.0, np.inf]}).to_parquet(tmp_path / "infinite.parquet")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TiltyardError) as error:
        read_panel(name)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_parquet_without_pyarrow_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr("tiltyard.needs.importlib.util.find_spec", lambda _: None)
    with pytest.raises(TiltyardError, match=r"needs pyarrow: pip install 'tiltyard\[parquet\]'"):
        read_panel(tmp_path / "a.parquet")
