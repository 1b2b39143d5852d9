# %% [markdown]
# # Sequences at irregular times
# A damped pendulum is seen through its angle alone, at irregular times. A closed-form continuous-time cell predicts angle and
# velocity at the next measurement: the elapsed time enters a gate, and no differential equation is solved.

# %%
import numpy as np

import sciopt as so

rng = np.random.default_rng(1)


def pendulum(y, t):
    """States a time t later, by Runge-Kutta steps."""
    h = t[:, None] / 40

    def rate(y):
        return np.stack([y[:, 1], -np.sin(y[:, 0]) - 0.1 * y[:, 1]], axis=1)

    for _ in range(40):
        a = rate(y)
        b = rate(y + h / 2 * a)
        c = rate(y + h / 2 * b)
        d = rate(y + h * c)
        y = y + h / 6 * (a + 2 * b + 2 * c + d)
    return y


def record(n, times=16):
    states, dt = [rng.uniform(-1.2, 1.2, (n, 2))], rng.uniform(0.05, 1.0, (n, times))
    for k in range(times):
        states.append(pendulum(states[-1], dt[:, k]))
    states = np.stack(states, axis=1)
    target = states[:, 1:].copy()
    target[:, :2] = np.nan  # from one or two angles the velocity cannot be known well: not asked for
    return states[:, :-1, :1], dt, target


angle, dt, wanted = record(200)
angle_new, dt_new, wanted_new = record(200)

# %% [markdown]
# The same cell is fitted twice, the second time without the times between the measurements.

# %%
cell = so.models.cfc(1, outputs=2, units=12, backbone=(24,), key=0)


def error(dt, dt_new):
    fit = so.dynamics.fit_sequences(cell, angle, dt, wanted, nan="omit", batch=50, steps=600, lr=1e-2)
    return fit, np.nanmean((np.asarray(fit.params(angle_new, dt_new)) - wanted_new) ** 2)


fit, with_times = error(dt, dt_new)
_, without_times = error(np.full_like(dt, 0.5), np.full_like(dt_new, 0.5))
print(f"mean squared error on new sequences: {with_times:.1e}, without the times {without_times:.1e}")

# %%
from matplotlib.figure import Figure

figure = Figure(figsize=(6.5, 3.2), layout="constrained")
axes = figure.subplots()
when = np.cumsum(dt_new[0])
for j, name in enumerate(("angle", "velocity")):
    axes.plot(when, wanted_new[0, :, j], "o", color=f"C{j}", label=name)
    axes.plot(when[2:], np.asarray(fit.params(angle_new, dt_new))[0, 2:, j], "x-", color=f"C{j}", lw=0.7)
axes.set(xlabel="time", title="a new sequence: truth (dots) and prediction (crosses)")
axes.legend(frameon=False)
figure
