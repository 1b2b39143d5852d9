# %% [markdown]
# # Compare methods
# One problem, several methods: the public way to measure which step control suits a problem of yours. The problem is a
# chain of curved valleys (Chebyshev-Rosenbrock), small but hard for anything that follows the gradient.

# %%
import numpy as np

import sciopt as so
from sciopt import methods


def chain(u):
    """Residuals of the chain; all vanish at u = (1, 1, 1, 1)."""
    return np.concatenate([[(1 - u[0]) / 2], u[1:] - (2 * u[:-1] ** 2 - 1)])


problem = so.Problem(chain, unknown=np.array([-0.8, 0.6, -0.3, 0.4]))

# %% [markdown]
# Each solve ends with a verdict of its own; the budget is the same for all.

# %%
candidates = {
    "trust region (default)": "auto",
    "Gauss-Newton, line search": methods.GaussNewton(),
    "Levenberg-Marquardt, geodesic": methods.LevenbergMarquardt(),
    "ratio targeting": methods.RatioTargeting(),
    "gradient-normalised": methods.GradientNormalised(),
    "dogleg": methods.Dogleg(),
    "self-scaled Broyden": methods.SSBroyden(),
}
solutions = {name: so.solve(problem, method, steps=1000) for name, method in candidates.items()}

print(f"{'method':32s} {'steps':>6s} {'evaluations':>12s} {'merit':>9s}  verdict")
for name, s in solutions.items():
    print(f"{name:32s} {s.nit:6d} {s.nfev:12d} {s.iterate.lin.f:9.1e}  {s.status.value}")

# %% [markdown]
# The merit against the steps, in one picture.

# %%
from matplotlib.figure import Figure

figure = Figure(figsize=(7, 4.5), layout="constrained")
axes = figure.subplots()
for name, s in solutions.items():
    f = np.maximum(s.history["f"], 1e-34)
    axes.semilogy(np.arange(len(f)) + 1, f, label=name)
axes.set_xscale("log")
axes.set_xlabel("step")
axes.set_ylabel("merit")
axes.legend(frameon=False, fontsize=8)
figure
