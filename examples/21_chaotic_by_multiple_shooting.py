# %% [markdown]
# # A chaotic equation by multiple shooting
# Over twenty units of time, a change of the Lorenz system's start grows by eight orders of magnitude. As a function of the
# parameters, the distance of such a trajectory from its data is a mountain range, and a descent from a poor start ends
# in the next valley. Cut into short segments, each begun near its own data, the same fit is nearly linear; the gaps
# between the segments are equations that gain weight as it goes on.

# %%
import numpy as np
from scipy.integrate import solve_ivp

import sciopt as so


def lorenz(t, y, p):
    """Convection by three modes."""
    return {
        "x": p["sigma"] * (y["y"] - y["x"]),
        "y": y["x"] * (p["rho"] - y["z"]) - y["y"],
        "z": y["x"] * y["y"] - p["beta"] * y["z"],
    }


truth = {"sigma": 10.0, "rho": 28.0, "beta": 8.0 / 3.0}
t = np.linspace(0.0, 20.0, 201)
exact = solve_ivp(
    lambda t, v: list(lorenz(t, dict(zip("xyz", v, strict=True)), truth).values()),
    (0.0, 20.0),
    [-8.0, 7.0, 27.0],
    "DOP853",
    t,
    rtol=1e-11,
    atol=1e-11,
).y
rng = np.random.default_rng(4)
noise = 0.02 * np.sqrt(np.mean(exact**2, axis=1))
data = {k: v + s * rng.standard_normal(t.size) for k, v, s in zip("xyz", exact, noise, strict=True)}

# %% [markdown]
# Start values are off by up to a half. ``shooting="auto"`` sees that the trajectory from there has nothing to do with
# the data, and cuts it into segments of two or more data intervals by itself.

# %%
fit = so.dynamics.fit_ode(
    lorenz,
    t,
    data,
    unknown={"sigma": 14.0, "rho": 18.0, "beta": 3.5},
    initial={k: so.Parameter(float(v[0])) for k, v in data.items()},
    sigma=dict(zip("xyz", noise, strict=True)),
)
for name, value in truth.items():
    print(f"{name} = {fit.values[name]:.4f} +- {fit.errors[name]:.4f}   (true {value:.4f})")
worst = max(abs(fit.values[name] / value - 1) for name, value in truth.items())
print(f"largest relative error {worst:.1e}; chi2/dof = {fit.chi2 / fit.dof:.2f}")
for note in fit.notes:
    print("note:", note)

# %%
fit.plot.phase("x", "z", field=False).figure.savefig("lorenz.png", dpi=150)
