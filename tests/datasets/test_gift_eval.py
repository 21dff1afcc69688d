"""GIFT-Eval's files, as Hugging Face's datasets saves them."""

import dataclasses
import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import ipc

from tiltyard.datasets.gift_eval import CHECKSUMS, FILE, GIFT_EVAL, dataset_name, read_arrow
from tiltyard.errors import TiltyardError
from tiltyard.registry import registry

FOUND = registry()
# As dataset_info.json of the collection declares the columns.
SCHEMA = [("item_id", pa.string()), ("start", pa.timestamp("s")), ("freq", pa.string())]
ONE = pa.list_(pa.float32())


def write(path, rows, target=ONE, opened=ipc.new_stream):
    """Write rows of (start, frequency, target) as Hugging Face's datasets would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([*SCHEMA, ("target", target)])
    starts, frequencies, targets = zip(*rows, strict=True)
    columns = [
        [f"T{i}" for i in range(len(rows))],
        [pd.Timestamp(start) for start in starts],
        list(frequencies),
        list(targets),
    ]
    with pa.OSFile(str(path), "wb") as file, opened(file, schema) as writer:
        writer.write_table(pa.table(columns, schema=schema))
    return path


def own(path, options=""):
    return FOUND.build("forecasting", f"own-series[file={path}{options}]")


@pytest.mark.parametrize("opened", [ipc.new_stream, ipc.new_file])
def test_series_end_at_the_ends_of_rows(tmp_path, opened):
    rows = [("2020-01-01", "D", [1, 2, None]), ("2020-01-03", "D", [float("nan"), 5])]
    data = read_arrow(write(tmp_path / FILE, rows, opened=opened))
    np.testing.assert_array_equal(data["values"], [[1, 2, np.nan], [np.nan, np.nan, 5]])
    assert data["values"].dtype == np.float64
    assert data["lengths"].tolist() == [3, 2]
    assert data["starts"].tolist() == [1577836800, 1578009600]
    assert bytes(data["frequency"]) == b"D"


def test_several_series_of_an_item_are_series_of_their_own(tmp_path):
    rows = [("2020-01-01", "H", [[1, 2], [3, 4]]), ("2020-01-02", "H", [[5, 6], [7, 8]])]
    data = read_arrow(write(tmp_path / FILE, rows, target=pa.list_(ONE)))
    assert data["values"].tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert data["starts"].tolist() == [1577836800] * 2 + [1577923200] * 2


@pytest.mark.parametrize(
    ("old", "start", "frequency", "season", "horizon", "end"),
    [
        ("H", "2020-01-01 05:00", "h", 24, 48, "2020-01-09T12:00:00"),
        ("15T", "2020-01-01", "15min", 96, 48, "2020-01-03T01:45:00"),
        ("10S", "2020-01-01", "10s", 360, 60, "2020-01-01T00:33:10"),
        ("D", "2020-01-01", "D", 1, 30, "2020-07-18T00:00:00"),
        ("W-WED", "2020-01-01", "W-WED", 1, 8, "2023-10-25T00:00:00"),
        ("W-SUN", "2020-01-01", "W-SUN", 1, 8, "2023-10-29T00:00:00"),
        ("M", "2020-01-01", "ME", 12, 12, "2036-08-31T00:00:00"),
        ("Q-DEC", "2020-01-01", "QE-DEC", 4, 8, "2069-12-31T00:00:00"),
        ("A-DEC", "1820-01-01", "YE-DEC", 1, 6, "2019-12-31T00:00:00"),
    ],
)
def test_frequencies_become_pandas_present_ones(
    tmp_path, old, start, frequency, season, horizon, end
):
    problem = own(write(tmp_path / FILE, [(start, old, np.arange(200.0))]))
    assert problem.facts["frequency"] == frequency
    assert (problem.season, problem.horizon) == (season, horizon)
    assert str(problem.times(199, 200)[0, 0]) == end


@pytest.mark.parametrize(
    ("rows", "target", "message"),
    [
        ([("2020-01-01", "H", [1.0]), ("2020-01-01", "D", [1.0])], ONE, "it has 2 frequencies"),
        ([("2020-01-01", "H", 1.0)], pa.float32(), "its targets are no lists of numbers but float"),
        ([("2020-01-01", "X", [1.0, 2.0])], ONE, "frequency 'X' is unknown"),
        ([("2020-01-01", "H", [np.inf, 2.0])], ONE, "series 0 holds infinity"),
        ([("2020-01-01", "H", [None, None])], ONE, "at least one series with at least one value"),
        ([("2020-01-01", "H", [1.0, 2.0])], ONE, "leave nothing before them"),
    ],
)
def test_bad_arrow_files_are_refused_in_one_line(tmp_path, rows, target, message):
    with pytest.raises(TiltyardError) as error:
        own(write(tmp_path / FILE, rows, target=target))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_files_of_other_formats_are_refused_in_one_line(tmp_path):
    (tmp_path / "text.arrow").write_text("ds,a\n")
    with pytest.raises(TiltyardError, match=r"text\.arrow: "):
        own(tmp_path / "text.arrow")
    with pytest.raises(TiltyardError, match=r"gone.arrow cannot be read: .*No such file"):
        own(tmp_path / "gone.arrow")
    table = pa.table({"a": [1]})
    with (
        pa.OSFile(str(tmp_path / "a.arrow"), "wb") as file,
        ipc.new_stream(file, table.schema) as writer,
    ):
        writer.write_table(table)
    with pytest.raises(TiltyardError, match=r"a\.arrow: it has no column start"):
        own(tmp_path / "a.arrow")


def test_sets_are_found_in_a_folder_of_copies(tmp_path, monkeypatch):
    """The wanted file is told from the others of the collection, which all have its name."""
    write(tmp_path / "gift" / "m4_weekly" / FILE, [("2020-01-01", "W-SUN", np.arange(9.0))])
    path = write(tmp_path / "gift" / "ett1" / "H" / FILE, [("2020-01-01", "H", np.arange(990.0))])
    declared = {one.name: one for one in GIFT_EVAL}["gift-ett1-h"]
    copy = dataclasses.replace(declared, checksum=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setitem(FOUND.datasets, "gift-ett1-h", copy)
    monkeypatch.setenv("TILTYARD_DATA", str(tmp_path))
    monkeypatch.setenv("TILTYARD_CACHE", str(tmp_path / "cache"))
    problem = FOUND.build("forecasting", "gift-eval[dataset=ett1/H]")
    assert (problem.horizon, problem.windows) == (48, 3)
    medium = FOUND.build("forecasting", "gift-eval[dataset=ett1/H,term=medium]")
    assert (medium.horizon, medium.windows) == (480, 1)
    with pytest.raises(TiltyardError, match=r"gift-m4-weekly: .*has checksum"):
        FOUND.build("forecasting", "gift-eval[dataset=m4_weekly]")


def test_a_set_without_a_checksum_says_how_to_use_a_copy():
    with pytest.raises(TiltyardError) as error:
        FOUND.build("forecasting", "gift-eval[dataset=solar/H]")
    assert f"own-series[file=FOLDER/solar/H/{FILE}]" in str(error.value)


def test_every_set_has_a_checksum_and_a_pinned_address():
    assert {dataset_name(name) for name in CHECKSUMS} == {one.name for one in GIFT_EVAL}
    for one in GIFT_EVAL:
        assert "45aea363957f716c8cd6e87e974d6d52871e2502" in one.location
        assert one.location.endswith(one.filename)
        assert "Apache-2.0" in one.licence
