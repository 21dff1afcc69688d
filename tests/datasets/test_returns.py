"""A user's CSV is read exactly, or refused in one line that says where."""

import pytest

from tiltyard.datasets.returns import read_returns
from tiltyard.errors import TiltyardError


@pytest.mark.parametrize(
    "text",
    [
        "A,B\n0.01,-0.02\n1e-3,0\n",
        "date,A,B\n2024-01-01,0.01,-0.02\n2024-01-02,1e-3,0\n",
        "\ufeffDate,A,B\r\nmonday,0.01,-0.02\r\ntuesday, 1e-3,0\r\n",
        '"A","B"\n"0.01","-0.02"\n1e-3,0\n',
    ],
)
def test_reads(tmp_path, text):
    file = tmp_path / "r.csv"
    file.write_text(text, encoding="utf-8", newline="")
    names, returns = read_returns(file)
    assert names == ("A", "B")
    assert returns.tolist() == [[0.01, -0.02], [0.001, 0.0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected asset names, found nothing"),
        ("\n", "line 1: expected asset names, found nothing"),
        ("A,B\n", "line 2: expected a row of returns, the file ends"),
        ("A\n1\n", "line 1: expected two assets or more, found 1"),
        ("date,A\n1,1\n", "line 1: expected two assets or more, found 1"),
        ("A,A\n1,1\n", "line 1, column 2: asset 'A' is named twice"),
        ("A,,B\n1,1,1\n", "line 1, column 2: expected an asset name, found nothing"),
        ("0.1,0.2\n1,1\n", "line 1: expected asset names, found the number 0.1"),
        ("A,B\n1,2\n1\n", "line 3: expected 2 fields, found 1"),
        ("A,B\n1,2,3\n", "line 2: expected 2 fields, found 3"),
        ("A,B\n1,2\n\n1,2\n", "line 3: expected 2 fields, found 0"),
        ("A,B\n1,x\n", "line 2, column 2 (B): expected a finite number, found 'x'"),
        ("A,B\n1,\n", "line 2, column 2 (B): expected a finite number, found ''"),
        ("A,B\n1,nan\n", "line 2, column 2 (B): expected a finite number, found 'nan'"),
        ("A,B\n-inf,1\n", "line 2, column 1 (A): expected a finite number, found '-inf'"),
        ("A,B\n1,1e999\n", "line 2, column 2 (B): expected a finite number, found '1e999'"),
        ("A,B\n1_0,1\n", "line 2, column 1 (A): expected a finite number, found '1_0'"),
        ('A,B\n"1,5",1\n', "line 2, column 1 (A): expected a finite number, found '1,5'"),
        ("A;B\n1;2\n", "line 1: expected two assets or more, found 1"),
        ("A,B\n1,2\n0.0", "line 3: the last line has no line end; the file may be truncated"),
        ('A,B\n"1,2\n', "line 2: "),
    ],
)
def test_refuses(tmp_path, text, message):
    file = tmp_path / "r.csv"
    file.write_text(text)
    with pytest.raises(TiltyardError) as error:
        read_returns(file)
    assert str(error.value).startswith(f"{file}, {message}")
    assert "\n" not in str(error.value)


def test_refuses_what_is_no_text_file(tmp_path):
    file = tmp_path / "r.csv"
    file.write_bytes(b"A,B\n\xff\xfe,1\n")
    with pytest.raises(TiltyardError, match="is not UTF-8 text"):
        read_returns(file)
    with pytest.raises(TiltyardError, match="cannot be read: No such file"):
        read_returns(tmp_path / "absent.csv")
    with pytest.raises(TiltyardError, match="cannot be read: Is a directory"):
        read_returns(tmp_path)
    with pytest.raises(TiltyardError, match="csv=FILE"):
        read_returns("")
