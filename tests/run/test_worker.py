"""What a worker process can do."""

import multiprocessing
import subprocess
import sys

from tiltyard.run.worker import fix_threads


def compile_and_run(connection):
    """Compile with numba, serially and in parallel, as methods do."""
    pools = fix_threads(1)
    import numba
    import numpy as np

    @numba.njit
    def double(x):
        return 2.0 * x

    @numba.njit(parallel=True)
    def total(x):
        value = 0.0
        for i in numba.prange(len(x)):
            value += x[i]
        return value

    connection.send((pools["numba"], double(2.0), total(np.ones(1000))))


def in_a_worker():
    """Return what a worker sends."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tiltyard.run.preload"])
    ours, theirs = context.Pipe()
    process = context.Process(target=compile_and_run, args=(theirs,))
    process.start()
    theirs.close()
    found = ours.recv()
    process.join()
    return found


def test_numba_compiles_in_a_worker_with_fewer_threads_than_cores():
    # In an interpreter of its own: a fork server keeps the modules that it was started with.
    command = [sys.executable, __file__]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stdout == "(1, 4.0, 1000.0)", ended.stderr


if __name__ == "__main__":
    sys.stdout.write(str(in_a_worker()))
