"""The reader of forest cover types, which are downloaded in no test."""

import gzip

import numpy as np
import pytest

from tiltyard.datasets.covtype import covtype


def write(tmp_path, table):
    path = tmp_path / "covtype"
    text = "".join(",".join(str(number) for number in row) + "\n" for row in table)
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_the_last_column_is_the_cover_type(tmp_path):
    table = np.random.default_rng(0).integers(0, 9, (4, 55))
    arrays = covtype.loader(write(tmp_path, table))
    np.testing.assert_array_equal(arrays["X"], table[:, :54])
    np.testing.assert_array_equal(arrays["y"], table[:, 54])
    assert arrays["X"].dtype == arrays["y"].dtype == np.float64


def test_a_table_of_another_width_is_refused(tmp_path):
    with pytest.raises(ValueError, match="3 columns instead of 55"):
        covtype.loader(write(tmp_path, [[1, 2, 3]]))
