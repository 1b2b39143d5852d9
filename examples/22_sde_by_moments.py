# %% [markdown]
# # A stochastic equation by its moments
# A particle in a double well, kicked by thermal noise: $\mathrm dx = (a x - b x^3)\,\mathrm dt + s\,\mathrm dW$. Measured are
# 500 runs from the same start. No run can be predicted, but means, variances and correlations over the runs can, and they
# determine the force and the temperature.

# %%
import numpy as np

import sciopt as so

t = np.linspace(0.0, 4.0, 17)
truth = {"a": 1.0, "b": 1.0, "s": 0.6}


def force(t, x, p):
    return p.a * x - p.b * x**3


def kicks(t, x, p):
    return p.s + 0.0 * x


runs = so.dynamics.simulate_sde(force, kicks, t, [0.3], truth, paths=500, dt=0.01, key=7)

# %% [markdown]
# The fit compares moments of the runs with moments of a simulation whose random numbers stay the same throughout, so that the rows
# are smooth functions of the parameters. The error bars contain the scatter of the measured runs *and* that of the
# simulation, and know that moments at neighbouring times are correlated.

# %%
fit = so.dynamics.fit_sde(
    force,
    kicks,
    (t, runs),
    unknown={"a": 0.6, "b": 0.6, "s": 0.4},
    moments=("mean", "variance", "lagged", "fourth"),
    dt=0.05,
)
fit

# %%
pulls = {name: (fit.values[name] - value) / fit.errors[name] for name, value in truth.items()}
pulls

# %% [markdown]
# Two questions that every such fit should answer: is the step of the simulation short enough (largest change of a row, in standard
# errors, when it is halved), and does the match survive random numbers that the fit has not seen?

# %%
fit.step_error(), fit.fresh()

# %%
from matplotlib.figure import Figure

figure = Figure(figsize=(7, 3.5), layout="constrained")
left, right = figure.subplots(1, 2)
model = fit.simulate(paths=2000)
left.plot(t, runs[:40, :, 0].T, color="0.7", lw=0.5)
left.set(xlabel="t", ylabel="x", title="40 of the runs")
right.errorbar(t[1:], runs[:, 1:, 0].var(0), runs[:, 1:, 0].var(0) * np.sqrt(2 / 500), fmt="o", ms=3, label="measured")
right.plot(t[1:], model[:, :, 0].var(0), label="fitted")
right.set(xlabel="t", title="variance")
right.legend(frameon=False)
figure
