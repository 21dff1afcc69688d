"""What the fork server imports once, so that every worker starts with its imports done."""

import numba  # noqa: F401 - imported for the workers forked from here
import scipy.linalg
import scipy.optimize
import scipy.sparse  # noqa: F401 - as above

from tiltyard.registry import discover
from tiltyard.run import worker  # noqa: F401 - as above

# Threads must not be started here: numba ends a process that was forked after them.
discover(())
