"""Readers of time series refuse what is not as declared; nothing is downloaded."""

import gzip

import numpy as np
import pytest

from tiltyard.datasets import ett, lstnet, m4, statsmodels_series
from tiltyard.datasets._series import dated, ragged, undated
from tiltyard.datasets.nab import nyc_taxi

HEADER = "time,a,b\n"
ROWS = "2020-02-28 23:30:00,1,0.1\n2020-02-29 00:00:00,2,-3\n2020-02-29 00:30:00,4,5e2\n"


def text(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8")
    return path


def read(path):
    return dated(path, columns=("time", "a", "b"), step=1800)


def test_dated_columns_become_rows(tmp_path):
    arrays = read(text(tmp_path, HEADER + ROWS))
    np.testing.assert_array_equal(arrays["values"], [[1, 2, 4], [0.1, -3, 500]])
    assert arrays["values"].dtype == np.float64
    end = np.datetime64("2020-02-29T00:30", "s").astype(np.int64)
    np.testing.assert_array_equal(arrays["ends"], [end, end])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "No columns"),
        ("time,b,a\n" + ROWS, "columns time, b, a, not time, a, b"),
        (HEADER, "0 rows instead of two or more"),
        (HEADER + ROWS.replace("2020-02-29 00:00:00,2,-3\n", ""), "rows are to be 1800 sec"),
        (HEADER + ROWS + "2020-02-29 00:30:00,1,1\n", "00:30:00 follows 2020-02-29T00:30:00"),
        (HEADER + ROWS.replace("-3", "x"), "could not convert string to float"),
        (HEADER + ROWS.replace("2020-02-29 00:00:00", "29.2.2020"), "doesn't match format"),
        (HEADER + ROWS + "2020-02-29 01:00:00,1,1,1\n", "Expected 3 fields"),
    ],
)
def test_another_dated_table_is_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read(text(tmp_path, content))


def test_undated_columns_become_rows(tmp_path):
    path = tmp_path / "table.txt.gz"
    path.write_bytes(gzip.compress(b"1,2\n3,4\n5,6\n"))
    arrays = undated(path, shape=(3, 2), end="2016-12-31T23:00")
    np.testing.assert_array_equal(arrays["values"], [[1, 3, 5], [2, 4, 6]])
    assert arrays["ends"][0].astype("datetime64[s]") == np.datetime64("2016-12-31T23:00")
    with pytest.raises(ValueError, match=r"shape \(3, 2\) instead of \(4, 2\)"):
        undated(path, shape=(4, 2), end="2016-12-31T23:00")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(OSError, match="end-of-stream"):
        undated(path, shape=(3, 2), end="2016-12-31T23:00")


M4 = '"V1","V2","V3","V4"\n"H1","1","2.5",\n"H7","3","4","5"\n'


def test_series_of_several_lengths_are_aligned_at_their_ends(tmp_path):
    arrays = ragged(text(tmp_path, M4), series=2)
    np.testing.assert_array_equal(arrays["values"], [[np.nan, 1, 2.5], [3, 4, 5]])
    np.testing.assert_array_equal(arrays["numbers"], [1, 7])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "its first line is not V1, V2"),
        (M4.replace("V3", "V5"), "its first line is not V1, V2"),
        (M4.replace('"H7","3","4","5"\n', ""), "1 series instead of 2"),
        (M4.replace('"1","2.5",', ',"1","2.5"'), "a series is empty, or has a gap"),
        (M4.replace('"1","2.5",', ",,"), "a series is empty, or has a gap"),
        (M4.replace('"4"', '"four"'), "could not convert string to float"),
        (M4.replace("H7", "7"), "name is not a letter and a number"),
    ],
)
def test_another_table_of_series_is_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        ragged(text(tmp_path, content), series=2)


def test_the_taxis_are_embedded_with_their_licence():
    arrays = nyc_taxi.load()
    assert arrays["values"].shape == (1, 10320)
    assert arrays["values"][0, :2].tolist() == [10844.0, 8127.0]
    assert arrays["ends"].astype("datetime64[s]")[0] == np.datetime64("2015-01-31T23:30")


@pytest.mark.parametrize(
    ("name", "shape", "end", "absent"),
    [
        ("co2", (1, 2284), "2001-12-29", 59),
        ("sunspots", (1, 309), "2008-01-01", 0),
        ("nile", (1, 100), "1970-01-01", 0),
        ("elnino", (1, 732), "2010-12-01", 0),
        ("macrodata", (12, 203), "2009-07-01", 0),
    ],
)
def test_series_inside_statsmodels(name, shape, end, absent):
    pytest.importorskip("statsmodels")
    arrays = getattr(statsmodels_series, name).load()
    assert arrays["values"].shape == shape
    assert np.isnan(arrays["values"]).sum() == absent
    assert arrays["ends"].astype("datetime64[s]")[0] == np.datetime64(end)


def test_addresses_name_a_commit():
    fetched = [ett.etth1, ett.etth2, ett.ettm1, ett.ettm2, m4.hourly_train, m4.yearly_test]
    fetched += [lstnet.exchange_rate, lstnet.electricity, lstnet.traffic]
    for one in fetched:
        commit = one.location.split("/")[5]
        assert len(commit) == 40, one.name
        assert set(commit) <= set("0123456789abcdef")
    assert m4.hourly_train.name == "m4-hourly-train"
    assert m4.hourly_train.location.endswith("/Dataset/Train/Hourly-train.csv")
    assert m4.yearly_test.filename == "Yearly-test.csv"
