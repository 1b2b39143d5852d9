"""A fit, its report and its file must work on a machine that lacks everything a fit does not need."""

import subprocess
import sys

import pytest

HIDE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

assert not set({hidden!r}) & set(sys.modules)
sys.meta_path.insert(0, Hidden())
"""

FIT = """
import numpy as np
import sciopt

t = np.linspace(0.0, 5.0, 40)
rng = np.random.default_rng(7)
y = 2.5 * np.exp(-t / 1.3) + 0.4 + 0.02 * rng.standard_normal(40)
fit = sciopt.fit(
    lambda t, A=2.0, tau=sciopt.Parameter(1.0, unit="s", bounds=(0, None)), c=0.0: A * np.exp(-t / tau) + c,
    t, y, sigma=0.02,
)
assert fit.success, fit.message
assert abs(fit.values["tau"] - 1.3) < 5 * fit.errors["tau"]
"""

OPTIONAL = (
    "matplotlib",
    "pandas",
    "uncertainties",
    "tqdm",
    "xarray",
    "h5netcdf",
    "IPython",
    "ipywidgets",
    "iminuit",
    "lmfit",
)


def run(hidden: tuple[str, ...], code: str) -> None:
    """Run a fit and then `code` in an interpreter in which some packages cannot be imported."""
    script = HIDE.format(hidden=hidden) + FIT + code
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_hiding_works():
    with pytest.raises(AssertionError, match="No module named 'numpy'"):
        run(("numpy",), "")


def test_report_without_optional_packages():
    run(
        OPTIONAL,
        """
text = repr(fit) + str(fit) + fit.summary()
assert "tau" in text and "converged" in text, text
assert "tau" in fit._repr_html_()
assert "tau" in fit.to_latex()
assert fit.covariance.shape == (3, 3)
""",
    )


def test_plots_say_that_matplotlib_is_missing():
    run(
        OPTIONAL,
        """
try:
    fit.plot.fit()
except ImportError as error:
    assert "matplotlib" in str(error)
else:
    raise AssertionError("a plot without matplotlib")
""",
    )


def test_host_fit_without_jax():
    run(
        (*OPTIONAL, "jax", "jaxlib", "equinox", "jaxtyping", "diffrax", "lineax", "optimistix", "optax"),
        """
assert abs(fit.values["tau"] - fit.start["tau"]) > 0 and fit.errors["tau"] > 0
assert "tau" in repr(fit)
""",
    )


def test_files_intervals_and_likelihoods_need_neither_jax_nor_optional_packages(tmp_path):
    run(
        (*OPTIONAL, "jax", "jaxlib", "equinox", "jaxtyping", "diffrax", "lineax", "optimistix", "optax"),
        f"""
saved = sciopt.load(fit.save({str(tmp_path / "fit.npz")!r}))
assert saved.values == fit.values and repr(saved) == repr(fit)
assert sciopt.solve(fit.problem, start=saved).success
lower, upper = fit.profile("tau")
assert lower < fit.values["tau"] < upper < fit.limit("tau")
assert fit.contour("A", "tau", (0.68,))[0][1].shape == (40, 2)
value, band = fit.predict(t, band=True)
assert (band > 0).all()
events = rng.exponential(2.0, 200)
life = sciopt.solve(sciopt.likelihood(lambda t, tau=1.0: np.exp(-t / tau) / tau, events))
assert abs(life.values["tau"] - events.mean()) < 1e-8
both = sciopt.fit(lambda x, a=1.0, b=1.0: a + b * x, t, 1 + 2 * t, sigma=0.1, sigma_x=0.1)
assert abs(both.values["b"] - 2.0) < 1e-8
""",
    )
