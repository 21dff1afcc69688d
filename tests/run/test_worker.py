"""What a worker process can do."""

import multiprocessing

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


def test_numba_compiles_in_a_worker_with_fewer_threads_than_cores():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tiltyard.run.preload"])
    ours, theirs = context.Pipe()
    process = context.Process(target=compile_and_run, args=(theirs,))
    process.start()
    theirs.close()
    assert ours.recv() == (1, 4.0, 1000.0)
    process.join()
