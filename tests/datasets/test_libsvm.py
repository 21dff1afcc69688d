"""The reader of LIBSVM's format: what was written is read, and nothing else."""

import bz2
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from tiltyard.datasets.libsvm import read_classes, read_libsvm
from tiltyard.errors import TiltyardError

GOOD = "+1 1:0.5 3:-2e-1\n-1 2:1\n\n"


def write(tmp_path, text, name="data.txt"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_by_hand(tmp_path):
    X, y = read_libsvm(write(tmp_path, GOOD[:-1]))
    assert X.tolist() == [[0.5, 0.0, -0.2], [0.0, 1.0, 0.0]]
    assert y.tolist() == [1.0, -1.0]
    assert (X.dtype, y.dtype) == (np.float64, np.float64)


@pytest.mark.parametrize(
    ("labels", "larger"), [("0 1", 1), ("1 2", 2), ("-1 +1", 1), ("3 5.5", 5.5)]
)
def test_the_larger_of_two_labels_becomes_one(tmp_path, labels, larger):
    path = write(tmp_path, "".join(f"{label} 1:1\n" for label in labels.split() * 2))
    _, y = read_libsvm(path)
    assert y.tolist() == [1.0 if float(label) == larger else -1.0 for label in labels.split() * 2]


def test_classes_are_numbered_in_ascending_order(tmp_path):
    _, labels = read_classes(write(tmp_path, "7 1:1\n-1 1:1\n2.5 1:1\n7 1:1\n"))
    assert labels.tolist() == [2, 0, 1, 2]
    assert labels.dtype == np.int64


def test_a_file_of_one_class_is_refused(tmp_path):
    with pytest.raises(TiltyardError, match="expected two to 1000 labels, found 1: 1"):
        read_classes(write(tmp_path, "1 1:1\n1 2:1\n"))


def test_a_row_may_have_no_features_and_columns_may_be_told(tmp_path):
    X, _ = read_libsvm(write(tmp_path, "1\r\n-1 2:3\r\n"), features=4)
    assert X.tolist() == [[0, 0, 0, 0], [0, 3, 0, 0]]


def test_compressed_file(tmp_path):
    plain = read_libsvm(write(tmp_path, GOOD[:-1]))
    packed = read_libsvm(write(tmp_path, bz2.compress(GOOD[:-1].encode()), "data.bz2"))
    np.testing.assert_array_equal(plain[0], packed[0])
    np.testing.assert_array_equal(plain[1], packed[1])


rows = st.lists(
    st.dictionaries(st.integers(0, 7), st.floats(-1e300, 1e300)),
    min_size=2,
    max_size=12,
)


@given(rows=rows, flips=st.randoms())
def test_what_scikit_learn_writes_is_read_as_it_reads_it(tmp_path_factory, rows, flips):
    X = np.zeros((len(rows), 8))
    for row, values in zip(X, rows, strict=True):
        row[list(values)] = list(values.values())
    y = np.array([-1.0, 1.0] + [flips.choice([-1.0, 1.0]) for _ in rows[2:]])
    buffer = io.BytesIO()
    dump_svmlight_file(X, y, buffer, zero_based=False)
    path = tmp_path_factory.mktemp("libsvm") / "data"
    path.write_bytes(buffer.getvalue())
    ours, labels = read_libsvm(path, features=8)
    theirs, other = load_svmlight_file(
        io.BytesIO(buffer.getvalue()), n_features=8, zero_based=False
    )
    np.testing.assert_array_equal(ours, theirs.toarray())
    np.testing.assert_array_equal(labels, other)


@given(cut=st.integers(0, 60))
def test_a_file_that_was_cut_off_is_never_read_as_whole(tmp_path_factory, cut):
    text = "+1 1:0.5 3:-2e-1\n-1 2:1\n+1 1:0.25 2:7\n-1 3:1.5\n-1 1:12\n"
    path = tmp_path_factory.mktemp("libsvm") / "data"
    path.write_text(text[:cut])
    if text[:cut].endswith("\n") and cut > text.index("\n") + 1:
        assert len(read_libsvm(path)[0]) == text[:cut].count("\n")
    elif text[:cut] != text:
        with pytest.raises(TiltyardError, match=str(path)):
            read_libsvm(path)


@given(data=st.binary(max_size=80))
def test_noise_is_told_in_a_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("libsvm") / "data"
    path.write_bytes(data)
    try:
        X, y = read_libsvm(path)
    except TiltyardError as error:
        assert "\n" not in str(error)  # noqa: PT017 - noise may, seldom, be data
    else:
        assert np.isfinite(X).all()
        assert set(y) == {-1.0, 1.0}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: expected a label and its features, the file ends"),
        ("+1 1:1\n\n-1 1:1\n", "line 2: expected a label, found ''"),
        ("one 1:1\n", "line 1: expected a label, found 'one'"),
        ("nan 1:1\n", "line 1: expected a label, found 'nan'"),
        ("1,2 1:1\n", "line 1: expected a label, found '1,2'"),
        ("1 1:1\n-1 0:1\n", "line 2: index 0; indices count from 1"),
        ("1 1:1 1:2\n", "line 1: index 1 follows 1; they must ascend"),
        ("1 3:1 2:2\n", "line 1: index 2 follows 3; they must ascend"),
        ("1 5:1\n", "line 1: index 5 of 4 features"),
        ("1 -1:1\n", "line 1: expected index:value, found '-1:1'"),
        ("1 1.0:1\n", "line 1: expected index:value, found '1.0:1'"),
        ("1 1:nan\n", "line 1: expected index:value, found '1:nan'"),
        ("1 1:inf\n", "line 1: expected index:value, found '1:inf'"),
        ("1 1:1_0\n", "line 1: expected index:value, found '1:1_0'"),
        ("1 1:\n", "line 1: expected index:value, found '1:'"),
        ("1 1\n", "line 1: expected index:value, found '1'"),
        ("1 1:1:1\n", "line 1: expected index:value, found '1:1:1'"),
        ("1 1:1\n1 2:1\n", "expected two labels, found 1: 1"),
        ("1 1:1\n2 2:1\n3 1:1\n", "expected two labels, found 3: 1, 2, 3"),
        ("1 1:1\n-1 1:1", "line 2: the last line has no line end; the file may be truncated"),
        (b"1 1:1\n-1 \xff:1\n", "is not ASCII text: byte 9 is not"),
    ],
)
def test_bad_files_are_told_in_a_line(tmp_path, text, reason):
    path = write(tmp_path, text)
    with pytest.raises(TiltyardError) as caught:
        read_libsvm(path, features=4)
    assert str(caught.value).startswith(str(path))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_features_at_all_and_too_many(tmp_path):
    with pytest.raises(TiltyardError, match="2 rows of 0 features"):
        read_libsvm(write(tmp_path, "1\n-1\n"))
    with pytest.raises(TiltyardError, match="2 rows of 999999999 features"):
        read_libsvm(write(tmp_path, "1 999999999:1\n-1 1:1\n"))


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(TiltyardError, match=r"absent cannot be read: No such file"):
        read_libsvm(tmp_path / "absent")
    with pytest.raises(TiltyardError, match="no LIBSVM file is named"):
        read_libsvm("")
    whole = bz2.compress(GOOD.encode() * 50)
    for data in (whole[:-9], b"plain text\n"):
        with pytest.raises(TiltyardError, match=r"data\.bz2 "):
            read_libsvm(write(tmp_path, data, "data.bz2"))
