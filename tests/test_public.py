"""The public surface: what is there, that it is documented, and that importing it stays cheap."""

import importlib.metadata
import inspect
import json
import subprocess
import sys
from types import ModuleType

import pytest

import sciopt

NAMES = {
    "Condition",
    "Normal",
    "Parameter",
    "Problem",
    "Solution",
    "Stage",
    "Status",
    "Stop",
    "Uniform",
    "check_jacobian",
    "condition",
    "curve",
    "fit",
    "iterate",
    "likelihood",
    "linearise",
    "load",
    "solve",
}
ROOMS = {
    "analysis",
    "dynamics",
    "lineshapes",
    "linalg",
    "losses",
    "methods",
    "models",
    "pde",
    "plot",
    "points",
    "report",
    "storage",
    "transport",
}
HEAVY = ("jax", "numba", "matplotlib", "scipy.optimize", "diffrax", "optax", "pandas", "tqdm")


def imported_after(code: str) -> list[str]:
    """Return which heavy packages a fresh interpreter holds after running `code`."""
    script = f"import json, sys\n{code}\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_top_level_names():
    assert set(sciopt.__all__) - {"__version__"} == NAMES | ROOMS
    assert len(set(sciopt.__all__)) == len(sciopt.__all__)
    assert set(sciopt.__all__) <= set(dir(sciopt))


@pytest.mark.parametrize("name", sorted(NAMES))
def test_top_level_name_is_a_documented_callable(name):
    value = getattr(sciopt, name)
    assert callable(value)
    assert not isinstance(value, ModuleType)
    assert inspect.getdoc(value)


@pytest.mark.parametrize("name", sorted(ROOMS))
def test_room_exports_what_it_lists(name):
    room = getattr(sciopt, name)
    assert isinstance(room, ModuleType)
    assert room.__doc__
    assert room.__all__
    for public in room.__all__:
        assert not public.startswith("_")
        assert inspect.getdoc(getattr(room, public)), f"{name}.{public} has no docstring"


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = sciopt.no_such_name  # pyright: ignore[reportAttributeAccessIssue]


def test_version_is_the_distribution_version():
    assert sciopt.__version__ == importlib.metadata.version("sciopt")


def test_import_is_light():
    assert imported_after("import sciopt") == []


def test_naming_a_problem_needs_no_jax():
    assert imported_after("import sciopt; sciopt.Parameter(1.0); sciopt.fit; sciopt.Problem; sciopt.solve") == []


def test_host_fit_needs_neither_jax_nor_matplotlib():
    code = (
        "import numpy as np, sciopt\n"
        "t = np.linspace(0.0, 4.0, 30)\n"
        "y = 3.0 * np.exp(-t / 1.5)\n"
        "fit = sciopt.fit(lambda t, A=2.0, tau=1.0: A * np.exp(-t / tau), t, y)\n"
        "assert abs(fit.values['tau'] - 1.5) < 1e-9, fit.values\n"
    )
    heavy = imported_after(code)
    assert not {"jax", "matplotlib", "scipy.optimize", "pandas"} & set(heavy), heavy


def test_verbs_survive_the_import_of_modules_of_the_same_name():
    code = (
        "import importlib, pkgutil, sciopt\n"
        "for module in pkgutil.walk_packages(sciopt.__path__, 'sciopt.'):\n"
        "    importlib.import_module(module.name)\n"
        "for name in sciopt.__all__:\n"
        "    value = getattr(sciopt, name)\n"
        f"    assert name not in {sorted(NAMES)!r} or callable(value), (name, value)\n"
    )
    imported_after(code)


def test_importing_changes_no_jax_setting():
    code = (
        "import jax\n"
        "before = dict(jax.config.values)\n"
        "import importlib, pkgutil, sciopt\n"
        "for module in pkgutil.walk_packages(sciopt.__path__, 'sciopt.'):\n"
        "    importlib.import_module(module.name)\n"
        "after = dict(jax.config.values)\n"
        "assert before == after, {k for k in after if before.get(k) != after[k]}\n"
    )
    imported_after(code)
