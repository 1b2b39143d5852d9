# %% [markdown]
# # A neural ODE that is cheap to solve
# Points of two half moons flow for a unit of time; the end of the flow tells their class. Only the end points matter, so many
# flows do the job, and some of them take an adaptive solver far more steps than others. The solver's own error estimate says
# which.

# %%
import jax.numpy as jnp
import numpy as np

import sciopt as so

rng = np.random.default_rng(0)
n = 64
label = np.arange(n) % 2
angle = np.pi * rng.uniform(size=n)
upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
lower = np.stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
points = np.where(label[:, None] == 0, upper, lower) + 0.15 * rng.standard_normal((n, 2))


def flow(t, y, p):
    return p.V @ jnp.tanh(p.W @ jnp.append(y, t) + p.b)


def log_odds(t, y, p):
    return p.read @ y + p.level


start = {
    "W": rng.standard_normal((20, 3)),
    "b": rng.standard_normal(20),
    "V": rng.standard_normal((2, 20)) / np.sqrt(20),
    "read": np.array([0.5, -0.5]),
    "level": 0.0,
}


def fit(regularise, steps):
    return so.dynamics.fit_ode(
        flow,
        [np.array([1.0])] * n,
        list(label[:, None].astype(float)),
        unknown=start,
        initial=list(points),
        start=0.0,
        observe=log_odds,
        loss="logistic",
        grid="shared",
        solver="Tsit5",
        rtol=1e-6,
        atol=1e-6,
        regularise=regularise,
        steps=steps,
    )


# %% [markdown]
# First without, then with the regulariser `"steps"`, a smooth count of the solver's steps. There are more weights than points, so it
# acts in the null space of the Jacobian: along directions in which the answers for all points stay the same. `level` says how
# well the points must be told apart while the flow is made cheap.

# %%
plain = fit(None, 30)
cheap = fit(so.dynamics.Regulariser("steps", level=0.2), 80)


def steps(solution):
    return len(solution.steps["h"]) // n


print("steps of the solver:", steps(plain), "->", steps(cheap))

# %%
from matplotlib.figure import Figure


def paths(p, y, h=0.02):
    """Flow of the points, by Runge-Kutta steps: (51, n, 2)."""

    def rate(t, y):
        return np.tanh(np.column_stack([y, np.full(len(y), t)]) @ p["W"].T + p["b"]) @ p["V"].T

    out = [y]
    for t in h * np.arange(50):
        a = rate(t, out[-1])
        b = rate(t + h / 2, out[-1] + h / 2 * a)
        out.append(out[-1] + h * b)
    return np.stack(out)


figure = Figure(figsize=(8, 3.6), layout="constrained")
for axes, (name, solution) in zip(figure.subplots(1, 2), {"plain": plain, "cheap": cheap}.items(), strict=True):
    curves = paths(solution.params, points)
    for k in range(n):
        axes.plot(*curves[:, k].T, color=f"C{label[k]}", lw=0.6)
        axes.plot(*curves[-1, k], "o", color=f"C{label[k]}", ms=3)
    axes.set_title(f"{name}: {steps(solution)} steps")
figure
