"""The reader of MNIST's format: what was written is read, and nothing else."""

import gzip
import struct

import numpy as np
import pytest

from tiltyard.datasets.idx import read_idx, read_images
from tiltyard.errors import TiltyardError


def packed(array):
    array = np.asarray(array, dtype=np.uint8)
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


def write(tmp_path, data, name="some-idx"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4)])
def test_what_was_written_is_read(tmp_path, shape):
    array = np.random.default_rng(0).integers(0, 256, shape)
    plain = read_idx(write(tmp_path, packed(array)))
    np.testing.assert_array_equal(plain, array)
    zipped = read_idx(write(tmp_path, gzip.compress(packed(array)), "some.gz"))
    np.testing.assert_array_equal(zipped, array)


def test_images_and_their_labels(tmp_path):
    images = write(tmp_path, packed([[[0, 255], [51, 0]]] * 2), "images")
    X, y = read_images(images, write(tmp_path, packed([3, 9]), "labels"))
    np.testing.assert_allclose(X, [[0.0, 1.0, 0.2, 0.0]] * 2)
    assert y.tolist() == [3, 9]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a", b"", "is no idx file of bytes: it starts with"),
        ("a", b"\0\0\x0d\x01\0\0\0\1\0\0\0\0", "it starts with 00000d01"),
        ("a", b"\0\0\x08\x00", "it starts with 00000800"),
        ("a", b"\0\0\x08\x02\0\0\0\1", "has 8 bytes, not the 13 of its header"),
        ("a", packed([1, 2, 3])[:-1], "has 10 bytes, not the 11 of its header"),
        ("a", packed([1, 2, 3]) + b"x", "has 12 bytes, not the 11 of its header"),
        ("a.gz", packed([1, 2, 3]), "a.gz cannot be read: Not a gzipped file"),
        ("a.gz", gzip.compress(packed([1, 2, 3]), mtime=0)[:-9], "a.gz is no whole gzip stream"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, name, data, message):
    with pytest.raises(TiltyardError, match=message) as refused:
        read_idx(write(tmp_path, data, name))
    assert "\n" not in str(refused.value)


def test_missing_files_are_refused(tmp_path):
    with pytest.raises(TiltyardError, match="none cannot be read: No such file"):
        read_idx(tmp_path / "none")
    with pytest.raises(TiltyardError, match="no idx file is named"):
        read_idx("")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ([[[0]]], [1, 2], r"no images and their labels: shapes \(1, 1, 1\) and \(2,\)"),
        ([[0]], [1], r"shapes \(1, 1\) and \(1,\)"),
        ([[[0]]], [10], "label 10 is none from 0 to 9"),
    ],
)
def test_images_that_do_not_fit_their_labels_are_refused(tmp_path, images, labels, message):
    paths = write(tmp_path, packed(images), "images"), write(tmp_path, packed(labels), "labels")
    with pytest.raises(TiltyardError, match=message):
        read_images(*paths)
