"""``factor``: the one entry to the factorisations, which picks one by shape, accuracy and memory."""

from typing import Any, Literal, get_args

from sciopt._errors import OptionError
from sciopt.linalg.base import Factor, needs_qr
from sciopt.linalg.cholesky import cholesky_factor
from sciopt.linalg.core import core_factor
from sciopt.linalg.decompositions import gram_factor, pivoted_cholesky_factor, qr_factor, svd_factor
from sciopt.linalg.krylov import krylov_factor
from sciopt.linalg.nystrom import nystrom_factor
from sciopt.linalg.operators import ScaledJacobian, scaled_jacobian
from sciopt.linalg.sketch import sketch_factor

__all__ = ["Accuracy", "Factor", "How", "choose", "factor", "needs_qr"]

How = Literal["auto", "svd", "qr", "gram", "cholesky", "pivoted_cholesky", "sketch", "krylov", "nystrom", "core"]
Accuracy = Literal["auto", "high", "fast"]

SMALL = {"auto": 64, "fast": 32}
LARGE = 8192


def choose(n: int, P: int, accuracy: Accuracy = "auto", memory: int | None = None) -> str:
    """Name of the factorisation that "auto" picks for a dense (n, P) Jacobian.

    With m = min(n, P): "high" is QR + SVD of the triangle whatever the size. "auto" is the same up to m = 64, where it
    costs about a millisecond, and Gram + Cholesky above, several times faster and good to six digits at damping
    ``1e-12 S[0]**2`` (see `needs_qr`). "fast" switches to Cholesky at m = 32. Above m = 8192, or when two m x m
    matrices exceed ``memory``, a randomised sketch takes over; QR needs one more copy of J, and gives way to Gram +
    Cholesky when that exceeds ``memory``.

    Parameters
    ----------
    n, P
        Shape of J.
    accuracy
        "auto", "high" or "fast".
    memory
        Bytes that may be allocated besides J; ``None`` is no limit.
    """
    m = min(n, P)
    fits_gram = memory is None or 16 * m * m <= memory
    fits_copy = memory is None or 8 * n * P <= memory
    if fits_copy and (accuracy == "high" or m <= SMALL[accuracy]):
        return "qr"
    if fits_gram and (m <= LARGE or accuracy == "high"):
        return "cholesky"
    return "sketch"


def factor(
    J: Any,
    r: Any,
    *,
    how: How = "auto",
    accuracy: Accuracy = "auto",
    scale: Any = None,
    memory: int | None = None,
) -> Factor:
    r"""Factor the Jacobian once; ask the result for steps of any filter and any damping.

    Parameters
    ----------
    J
        Jacobian (n, P): dense, or for "sketch" and "krylov" also a sparse matrix, a ``LinearOperator`` or a pair
        ``(matvec, rmatvec)``. float32 is promoted: Gram matrices are always formed in float64.
    r
        Residual (n,).
    how
        * "svd": SVD of J (gesdd, then gesvd, then eigenvalues of the Gram matrix if LAPACK does not converge);
        * "qr": QR or LQ of J and SVD of the triangle; same accuracy, faster;
        * "gram": eigenvalues of the smaller Gram matrix; resolves ``S/S[0]`` down to ``sqrt(10 m eps)`` only;
        * "cholesky": Gram matrix and one Cholesky factorisation per damping; the fastest damped step;
        * "pivoted_cholesky": rank-revealing Cholesky of the Gram matrix; the fastest truncated pseudoinverse;
        * "sketch": randomised subspace, see `sketch_factor` for its options;
        * "krylov": Golub-Kahan bidiagonalisation, see `krylov_factor`;
        * "nystrom": conjugate gradients with a Nystrom preconditioner, see `nystrom_factor`;
        * "core": both sides sketched, see `core_factor`;
        * "auto": see `choose`; products and sparse matrices get "krylov", or, where they stream a Gram matrix,
          "cholesky" up to min(n, P) = 8192 and "nystrom" above.
    accuracy
        What "auto" may trade: "auto", "high" (no squaring of J) or "fast".
    scale
        Column scale D (P,), positive; zeros count as 1. The damping is then ``damping * D**2`` and lengths are
        ``||D delta||``; steps come back in the units of the parameters.
    memory
        Bytes that may be allocated besides J.

    Returns
    -------
    Factor

    Raises
    ------
    DataError
        Wrong shapes, or entries that are not finite (the message names row and column).
    OptionError
        Unknown ``how`` or ``accuracy``, or a dense-only factorisation of products.

    Examples
    --------
    >>> import numpy as np
    >>> from sciopt.linalg import Pinv, factor
    >>> f = factor(np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]]), np.array([1.0, 2.0, 3.0]))
    >>> f.step(Pinv())
    array([-1., -1.])
    """
    if how not in get_args(How):
        raise OptionError(f"how={how!r} is unknown; choose from {', '.join(get_args(How))}")
    if accuracy not in get_args(Accuracy):
        raise OptionError(f"accuracy={accuracy!r} is unknown; choose from {', '.join(get_args(Accuracy))}")
    return _run(scaled_jacobian(J, r, scale), how, accuracy, memory)


def _without_matrix(jacobian: ScaledJacobian) -> str:
    if jacobian.product.gram is None:
        return "krylov"
    return "cholesky" if min(jacobian.shape) <= LARGE else "nystrom"


def _run(jacobian: ScaledJacobian, how: str, accuracy: Accuracy, memory: int | None) -> Factor:
    n, P = jacobian.shape
    if how == "auto":
        how = _without_matrix(jacobian) if jacobian.dense is None else choose(n, P, accuracy, memory)
    if how == "svd":
        return svd_factor(jacobian)
    if how == "qr":
        return qr_factor(jacobian)
    if how == "gram":
        return gram_factor(jacobian, memory)
    if how == "cholesky":
        return cholesky_factor(jacobian, memory)
    if how == "pivoted_cholesky":
        return pivoted_cholesky_factor(jacobian, memory)
    if how == "nystrom":
        return nystrom_factor(jacobian, None if memory is None else max(1, memory // (16 * max(n, P))))
    if how == "core":
        return core_factor(jacobian)
    # Subspace methods: as many directions as the budget holds.
    room = None if memory is None else max(1, memory // (8 * (n + P)))
    if how == "sketch":
        return sketch_factor(jacobian, None if room is None else min(n, P, 500, room))
    return krylov_factor(jacobian, None if room is None else min(n, P, 256, room))
