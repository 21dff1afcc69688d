"""Copies in a user's folder stand for downloads, and only if they are what was declared."""

import hashlib
import os
import subprocess

import pytest

from tiltyard.dataset import Dataset, dataset
from tiltyard.download import Unavailable, checksum_of
from tiltyard.errors import PluginError, TiltyardError

TABLE = b"1.0,2.0\n3.0,4.0\n"
SHA256 = hashlib.sha256(TABLE).hexdigest()
BLOB = hashlib.sha1(b"blob %d\0" % len(TABLE) + TABLE, usedforsecurity=False).hexdigest()
NOWHERE = "http://127.0.0.1:9/table.csv"


def declare(**given) -> Dataset:
    @dataset(licence="CC0-1.0", source="Someone (2001)", **{"url": NOWHERE, **given})
    def table(path):
        """Two rows."""
        import numpy as np

        return {"X": np.loadtxt(path, delimiter=",")}

    return table


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two folders that the user named."""
    made = [tmp_path / "first", tmp_path / "second"]
    for folder in made:
        folder.mkdir()
    monkeypatch.setenv("TILTYARD_DATA", os.pathsep.join(map(str, made)))
    return made


@pytest.mark.parametrize("checksum", [{"sha256": SHA256}, {"blob": BLOB}])
def test_a_copy_anywhere_below_the_folders_needs_no_download(folders, checksum):
    fetched = declare(**checksum)
    assert not fetched.present()
    deep = folders[1] / "some" / "where"
    deep.mkdir(parents=True)
    (deep / "table.csv").write_bytes(TABLE)
    assert fetched.present()
    assert fetched.load()["X"].shape == (2, 2)
    assert list(deep.iterdir()) == [deep / "table.csv"]


def test_a_declared_file_name_is_looked_for(folders):
    (folders[0] / "mine.csv").write_bytes(TABLE)
    assert not declare(sha256=SHA256).present()
    assert declare(sha256=SHA256, filename="mine.csv").load()["X"].shape == (2, 2)


def test_the_copy_with_the_checksum_is_taken(folders):
    (folders[0] / "table.csv").write_bytes(TABLE * 2)
    (folders[1] / "table.csv").write_bytes(TABLE)
    assert declare(sha256=SHA256).load()["X"].shape == (2, 2)


@pytest.mark.parametrize("content", [TABLE[:-1], TABLE.replace(b"4", b"5"), b""])
def test_a_copy_with_another_checksum_is_refused_by_name(folders, content):
    wrong = folders[0] / "table.csv"
    wrong.write_bytes(content)
    fetched = declare(sha256=SHA256)
    assert not fetched.present()
    with pytest.raises(TiltyardError) as caught:
        fetched.load()
    assert f"dataset table: {wrong} has checksum " in str(caught.value)
    assert f"instead of {SHA256[:12]}; it is truncated, altered" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_does_not_exist_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TILTYARD_DATA", str(tmp_path / "gone"))
    with pytest.raises(TiltyardError, match=r"data folder .*gone does not exist"):
        declare(sha256=SHA256).load()


def test_the_user_is_told_before_a_download_and_what_would_do_instead(capsys):
    with pytest.raises(Unavailable) as caught:
        declare(sha256=SHA256).load()
    told = capsys.readouterr().err
    for word in (NOWHERE, "licence: CC0-1.0", "Someone (2001)"):
        assert word in told
    assert len(told.splitlines()) == 2
    words = str(caught.value)
    assert words.startswith(f"dataset table: cannot download {NOWHERE}: Failed to establish a new")
    assert "--data-dir or TILTYARD_DATA" in words
    assert "HTTPConnection" not in words


def test_a_blob_id_is_the_one_that_git_gives(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(TABLE)
    assert checksum_of(path, "0" * 40) == BLOB
    done = subprocess.run(["git", "hash-object", path], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("git is not installed")
    assert done.stdout.strip() == BLOB


@pytest.mark.parametrize("blob", ["0" * 39, "A" * 40, "0" * 64])
def test_a_blob_id_has_forty_digits(blob):
    with pytest.raises(PluginError, match="blob is not 40 lower-case"):
        declare(blob=blob)


def test_a_dataset_that_needs_a_package_says_so():
    def loader():
        pytest.fail("was loaded")

    needy = dataset(
        licence="MIT", source="here", sha256=SHA256, needs={"nowhere_to_be_found": "nowhere"}
    )(loader)
    assert not needy.present()
    with pytest.raises(TiltyardError, match="dataset loader needs nowhere_to_be_found: pip inst"):
        needy.load()
