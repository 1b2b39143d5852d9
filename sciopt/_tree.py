"""Flatten any pytree with named leaves, without importing JAX for plain Python containers."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from sciopt.parameters import Parameter

__all__ = ["flatten", "is_number", "unflatten"]


def is_number(leaf: Any) -> bool:
    """Whether a leaf carries numbers that can be fitted (functions and strings in a module do not)."""
    if isinstance(leaf, Parameter):
        return True
    if isinstance(leaf, (bool, np.bool_, str, bytes)) or leaf is None or callable(leaf):
        return False
    dtype = getattr(leaf, "dtype", None)
    if dtype is None:
        return isinstance(leaf, (int, float, complex))
    return np.dtype(dtype).kind in "fc" or (np.dtype(dtype).kind in "iu" and np.ndim(leaf) == 0)


def flatten(tree: Any) -> list[tuple[str, Any]]:
    """Return ``[(path, leaf), ...]`` in a fixed order; paths read like ``layers[0].weight``."""
    out: list[tuple[str, Any]] = []
    _walk(tree, "", lambda path, leaf: out.append((path, leaf)))
    return out


def unflatten(tree: Any, leaves: list[Any]) -> Any:
    """Rebuild ``tree`` with its leaves replaced, in the order of `flatten`."""
    rest = iter(leaves)
    return _walk(tree, "", lambda path, leaf: next(rest))


def _walk(tree: Any, path: str, visit: Callable[[str, Any], Any]) -> Any:
    if isinstance(tree, dict):
        return {k: _walk(v, f"{path}.{k}" if path else str(k), visit) for k, v in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        fields: tuple[str, ...] = getattr(tree, "_fields")  # noqa: B009  (named tuples are not typed as such)
        parts = [_walk(v, f"{path}.{k}" if path else k, visit) for k, v in zip(fields, tree, strict=True)]
        return type(tree)(*parts)
    if isinstance(tree, (list, tuple)):
        return type(tree)([_walk(v, f"{path}[{i}]", visit) for i, v in enumerate(tree)])
    if isinstance(tree, (Parameter, np.ndarray, np.generic, int, float, complex, str)) or tree is None:
        return visit(path, tree)
    if "jax" in sys.modules:  # a foreign container (equinox module, registered class) needs JAX to be opened
        return _walk_foreign(tree, path, visit)
    return visit(path, tree)


def _walk_foreign(tree: Any, path: str, visit: Callable[[str, Any], Any]) -> Any:
    import jax

    def stop(leaf: Any) -> bool:
        return isinstance(leaf, Parameter)

    pairs, treedef = jax.tree_util.tree_flatten_with_path(tree, is_leaf=stop)
    new = [visit(_join(path, jax.tree_util.keystr(keys)), leaf) for keys, leaf in pairs]
    return jax.tree_util.tree_unflatten(treedef, new)


def _join(path: str, key: str) -> str:
    return path + key if path else key.lstrip(".")
