"""How regular a Jacobian and a reduced Hessian are, from factorizations.

Dense matrices: one QR factorization J' = Q R gives both, since J J' = R'R and the last columns of Q
span the null space of J. Sparse ones: Lanczos iterations on the inverse of J J', and the inertia of
the KKT matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tiltyard.implementations.constrained._newton_lagrangian import (
    CURVATURE,
    Array,
    frobenius,
    nonzeros,
)
from tiltyard.suites.constrained.problem import ConstrainedProblem

_FEW = 40
"""Up to so many rows, J J' of a sparse J is handled as a dense matrix."""


class Regularity:
    """Smallest eigenvalue of J J', and a test of the reduced Hessian.

    Charges ``flop``: a complete QR factorization with leading term 4 n^2 m, singular values 4 m^3,
    the reduced Hessian 2 n^2 p + 2 n p^2 for p = n - m and Cholesky p^3 / 3; sparse
    factorizations what their fill amounts to.

    Args:
        problem: charged for the work.
        rng: draws the first Lanczos vector.
        J: (m, n) Jacobian, dense or CSR, finite.
    """

    def __init__(self, problem: ConstrainedProblem, rng: np.random.Generator, J: Any) -> None:
        self._problem = problem
        self._J = J
        m, n = J.shape
        self._null = np.eye(n)
        self.least = np.inf
        if m == 0:
            return
        if m > n:
            self.least = 0.0
        elif isinstance(J, np.ndarray):
            Q, R = np.linalg.qr(J.T, mode="complete")
            self._null = Q[:, m:]
            self.least = float(np.linalg.svd(R[:m], compute_uv=False)[-1] ** 2)
            problem.count("flop", 4 * n * n * m + 4 * m**3)
        else:
            self.least = self._least_sparse(rng)

    def convex(self, H: Any) -> bool:
        """Return whether H is at least CURVATURE on the null space of J.

        Args:
            H: (n, n) symmetric, dense or CSR as J is.
        """
        m, n = self._J.shape
        if m >= n:
            return True
        if not isinstance(H, np.ndarray):
            return self._convex_sparse(H)
        free = n - m
        self._problem.count("flop", 2 * n * n * free + 2 * n * free * free + free**3 // 3)
        reduced = self._null.T @ H @ self._null
        try:
            np.linalg.cholesky(reduced - CURVATURE * np.eye(free))
        except np.linalg.LinAlgError:
            return False
        return True

    def _least_sparse(self, rng: np.random.Generator) -> float:
        from scipy.sparse.linalg import LinearOperator, eigsh

        m = self._J.shape[0]
        product = (self._J @ self._J.T).tocsc()
        self._problem.count("flop", 2 * nonzeros(product))
        if m <= _FEW:
            self._problem.count("flop", 4 * m**3)
            return float(np.linalg.eigvalsh(product.toarray())[0])
        try:
            factors = factorize(self._problem, product)
        except RuntimeError:  # exactly singular
            return 0.0
        solve = 2 * (factors.L.nnz + factors.U.nnz)

        def inverse(v: Array) -> Array:
            self._problem.count("flop", solve)
            found: Array = factors.solve(np.ravel(v))
            return found

        operator = LinearOperator((m, m), matvec=inverse, dtype=np.float64)
        start = rng.standard_normal(m)
        top = eigsh(operator, k=1, which="LM", tol=1e-3, v0=start, return_eigenvectors=False)
        return float(1.0 / top[0]) if top[0] > 0 else 0.0

    def _convex_sparse(self, H: Any) -> bool:
        """Return whether the KKT matrix has n positive eigenvalues and m negative ones.

        That holds exactly where the reduced Hessian is positive definite (Gould 1985). The signs
        are those of the pivots of a factorization that keeps to the diagonal; where it cannot,
        the Hessian counts as not convex, which costs a shift at most.
        """
        from scipy.sparse import block_array, csc_array, eye_array

        m, n = self._J.shape
        # A tiny lower right block lets every pivot be taken from the diagonal.
        little = 1e-8 * min(self.least, 1.0) / max(1.0, frobenius(H))
        corner = -little * eye_array(m) if m else None
        blocks = [[H - CURVATURE * eye_array(n), self._J.T], [self._J, corner]]
        try:
            factors = factorize(self._problem, csc_array(block_array(blocks)), symmetric=True)
        except RuntimeError:
            return False
        pivots = factors.U.diagonal()
        kept = np.array_equal(factors.perm_r, factors.perm_c)
        return kept and int((pivots > 0).sum()) == n


def factorize(problem: ConstrainedProblem, matrix: Any, *, symmetric: bool = False) -> Any:
    """Return SuperLU's factors of a CSC matrix; charges ``flop`` by their fill.

    Args:
        problem: charged 2 * (entries of L's column) * (entries of U's row), summed over pivots.
        matrix: (k, k) CSC.
        symmetric: order symmetrically and take pivots from the diagonal where possible.

    Raises:
        RuntimeError: the matrix is exactly singular.
    """
    from scipy.sparse.linalg import splu

    if symmetric:
        options = {"SymmetricMode": True}
        factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
    else:
        factors = splu(matrix)
    below = np.diff(factors.L.tocsc().indptr).astype(np.int64)
    beside = np.bincount(factors.U.tocsc().indices, minlength=matrix.shape[0])
    problem.count("flop", int(2 * (below * beside).sum()))
    return factors
