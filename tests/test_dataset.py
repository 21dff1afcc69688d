"""Data that is not what was declared is refused by name."""

import hashlib
import http.server
import threading
from pathlib import Path

import numpy as np
import pytest

from tiltyard.dataset import Dataset, dataset, digest, require_finite
from tiltyard.errors import PluginError, TiltyardError

TABLE = b"1.0,2.0\n3.0,4.0\n"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def read(path):
    return {"X": np.loadtxt(path, delimiter=",", ndmin=2)}


def made(kind, location="", *, content=TABLE, loader=read, checksum=""):
    return Dataset(
        name="table",
        kind=kind,
        loader=loader,
        summary="A table.",
        licence="CC0-1.0",
        source="here",
        checksum=checksum or sha256(content),
        location=str(location),
        module=__name__,
        file=__file__,
    )


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(TABLE)
    return path


@pytest.fixture
def server():
    """Serve what ``server.content`` holds over HTTP."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.requests += 1
            self.send_response(self.server.status)
            self.end_headers()
            self.wfile.write(self.server.content)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.content, serving.status, serving.requests = TABLE, 200, 0
        serving.url = f"http://127.0.0.1:{serving.server_address[1]}/table.csv"
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def test_an_embedded_file_is_loaded_read_only(table):
    arrays = made("embedded", table).load()
    np.testing.assert_array_equal(arrays["X"], [[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ValueError, match="read-only"):
        arrays["X"][0, 0] = 5.0


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TiltyardError, match=r"dataset table: its file .*gone\.csv is missing"):
        made("embedded", tmp_path / "gone.csv").load()


@pytest.mark.parametrize("content", [TABLE[:-4], TABLE.replace(b"1", b"7"), b"", TABLE * 2])
def test_a_file_with_another_checksum_is_refused_before_it_is_read(table, content):
    table.write_bytes(content)
    with pytest.raises(TiltyardError, match=r"dataset table: checksum .* truncated, altered"):
        made("embedded", table, loader=lambda _: pytest.fail("was read")).load()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1.0,nan\n", r"dataset table, array X: nan at index \(0, 1\)"),
        (b"1.0,2.0\n-inf,1.0\n", r"dataset table, array X: -inf at index \(1, 0\)"),
        (b"1.0,two\n", r"dataset table: .* cannot be read: could not convert string 'two'"),
        (b"1.0,2.0\n3.0\n", r"dataset table: .* cannot be read: "),
    ],
)
def test_a_file_that_holds_anything_but_numbers_is_refused(table, content, message):
    table.write_bytes(content)
    with pytest.raises(TiltyardError, match=message):
        made("embedded", table, content=content).load()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array(["a"]), "x: expected numbers, found <U1"),
        (np.array([None]), "x: expected numbers, found object"),
        (np.array([1j]), "x: expected numbers, found complex128"),
        ([1.0], "x: expected numbers, found list"),
        (np.zeros((0, 3)), "x: is empty"),
        (np.array(np.nan), r"x: nan at index \(\)"),
    ],
)
def test_only_finite_numbers_pass(array, message):
    with pytest.raises(TiltyardError, match=message):
        require_finite("x", array)


def test_bundled_arrays_are_checked(tmp_path):
    arrays = {"x": np.arange(3.0)}
    good = made("bundled", loader=lambda: dict(arrays), checksum=digest(arrays))
    assert good.present()
    assert not good.load()["x"].flags.writeable
    moved = made("bundled", loader=lambda: {"x": np.arange(3.0) + 1}, checksum=digest(arrays))
    with pytest.raises(TiltyardError, match=r"dataset table: checksum .* of another version"):
        moved.load()


def test_the_digest_sees_names_types_shapes_and_values():
    x = np.arange(6.0)
    variants = [{"x": x}, {"y": x}, {"x": x.reshape(2, 3)}, {"x": x.astype("f4")}, {"x": x + 1}]
    assert len({digest(arrays) for arrays in variants}) == len(variants)
    assert digest({"a": x, "b": x}) == digest({"b": x, "a": x})


def test_a_fetched_file_is_downloaded_once(server):
    fetched = made("fetched", server.url)
    assert not fetched.present()
    np.testing.assert_array_equal(fetched.load()["X"], [[1.0, 2.0], [3.0, 4.0]])
    assert fetched.present()
    fetched.load()
    assert server.requests == 1


def test_a_cached_file_needs_no_server(server):
    fetched = made("fetched", server.url)
    fetched.load()
    gone = made("fetched", "http://127.0.0.1:9/table.csv")
    assert gone.load()["X"].shape == (2, 2)


def test_wrong_bytes_from_the_server_are_refused_and_not_kept(server):
    server.content = b"<html>please log in</html>"
    fetched = made("fetched", server.url)
    with pytest.raises(TiltyardError, match=f"dataset table: what {server.url} sent fails its"):
        fetched.load()
    assert not fetched.present()
    server.content = TABLE
    assert fetched.load()["X"].shape == (2, 2)


def test_a_damaged_cached_file_is_downloaded_again(server):
    fetched = made("fetched", server.url)
    fetched.load()
    (cached,) = Path(fetched._cached()).parent.iterdir()
    cached.write_bytes(TABLE[:5])
    assert fetched.load()["X"].shape == (2, 2)
    assert server.requests == 2


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_that_refuses_is_named(server, status):
    server.status = status
    with pytest.raises(
        TiltyardError, match=f"dataset table: cannot download {server.url}: {status}"
    ):
        made("fetched", server.url).load()


def test_a_server_that_is_down_is_named(server):
    server.shutdown()
    server.server_close()
    with pytest.raises(TiltyardError, match=f"dataset table: cannot download {server.url}: "):
        made("fetched", server.url).load()


def test_what_is_declared_is_checked():
    def declare(**places):
        return dataset(licence="CC0-1.0", source="here", **places)(read)

    assert declare(sha256="0" * 64, path="x.csv").location == str(Path(__file__).parent / "x.csv")
    assert declare(sha256="0" * 64, url="http://x").kind == "fetched"
    assert declare(sha256="0" * 64).kind == "bundled"
    with pytest.raises(PluginError, match="give path or url, not both"):
        declare(sha256="0" * 64, path="x", url="y")
    for checksum in ("", "0" * 63, "G" * 64, "A" * 64):
        with pytest.raises(PluginError, match="sha256 is not 64 lower-case"):
            declare(sha256=checksum)
