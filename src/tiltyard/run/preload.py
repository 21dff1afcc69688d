"""What the fork server imports once, so that every worker starts with its imports done."""

import numba
import scipy.linalg
import scipy.optimize
import scipy.sparse  # noqa: F401 - imported for the workers forked from here

from tiltyard.registry import discover
from tiltyard.run import worker  # noqa: F401 - as above

discover(())
numba.get_num_threads()
