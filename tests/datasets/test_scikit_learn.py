"""Bundled data is what its checksum says, and nothing else is taken for it."""

from dataclasses import replace

import numpy as np
import pytest

from tiltyard.dataset import dataset
from tiltyard.datasets.scikit_learn import breast_cancer, diabetes, digits, photographs
from tiltyard.download import file_sha256
from tiltyard.errors import TiltyardError


@pytest.mark.parametrize(
    ("data", "shape"),
    [(diabetes, (442, 10)), (breast_cancer, (569, 30)), (digits, (1797, 64))],
    ids=["diabetes", "bc", "digits"],
)
def test_loads(data, shape):
    arrays = data.load()
    assert arrays["X"].shape == shape
    assert arrays["y"].shape == shape[:1]
    assert not arrays["X"].flags.writeable
    assert data.kind == "bundled"


def test_photographs_are_of_256_levels():
    images = photographs.load()["images"]
    assert (images.shape, images.dtype) == ((2, 427, 640, 3), np.uint8)
    assert (images.min(), images.max()) == (0, 255)


def test_wrong_checksum_is_refused_by_name():
    with pytest.raises(TiltyardError, match="dataset diabetes: checksum"):
        replace(diabetes, checksum="0" * 64).load()


def test_truncated_file_is_refused_by_name(tmp_path):
    file = tmp_path / "numbers.csv"
    file.write_text("1.0\n2.0\n")

    @dataset(licence="MIT", source="here", sha256=file_sha256(file), path=str(file))
    def numbers(path):
        return {"x": np.loadtxt(path)}

    assert numbers.load()["x"].tolist() == [1.0, 2.0]
    file.write_text("1.0\n2")
    with pytest.raises(TiltyardError, match=r"dataset numbers: .*truncated"):
        numbers.load()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([1.0, np.nan]), r"array x: nan at index \(1\)"),
        (np.array(["a"]), "array x: expected numbers"),
        (np.zeros(0), "array x: is empty"),
    ],
)
def test_bad_values_are_refused_by_name(tmp_path, array, message):
    file = tmp_path / "some.bin"
    file.write_bytes(b"x")

    @dataset(licence="MIT", source="here", sha256=file_sha256(file), path=str(file))
    def some(path):
        return {"x": array}

    with pytest.raises(TiltyardError, match=f"dataset some, {message}"):
        some.load()
