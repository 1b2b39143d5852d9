# %% [markdown]
# # Counts, a systematic error, and an upper limit
# A counter sees a few events a bin: a smooth background and perhaps a line at a known place. Small counts are not
# Gaussian, so the likelihood is Poisson's, and a signal that may be zero wants an interval or a limit, not a symmetric
# error bar.

# %%
import numpy as np
from matplotlib.figure import Figure

import sciopt as so

rng = np.random.default_rng(11)
energy = np.arange(50.0) + 0.5


def spectrum(
    E,
    events=so.Parameter(20.0, bounds=(0, None)),
    level=5.0,
    slope=0.03,
    efficiency=so.Parameter(1.0, prior=so.Normal(1.0, 0.1)),
):
    """Expected counts: a line of known place and width on an exponential background."""
    line = np.exp(-0.5 * ((E - 25.0) / 1.5) ** 2) / (1.5 * np.sqrt(2 * np.pi))
    return efficiency * events * line + level * np.exp(-slope * E)


truth = {"events": 25.0, "level": 6.0, "slope": 0.03, "efficiency": 1.0}
counts = rng.poisson(spectrum(energy, **truth))
fit = so.fit(spectrum, energy, counts, loss="poisson")
print(fit)

# %% [markdown]
# The efficiency is known to 10 % from elsewhere. It enters as a parameter with a prior, so that every interval below
# includes it. The profile of the signal is not a parabola; its ends are the 68 % interval to quote.

# %%
interval = fit.profile("events", 0.6827)
lower, upper = interval
print(f"events = {interval.value:.1f} +{upper - interval.value:.1f} -{interval.value - lower:.1f}")

figure = Figure(figsize=(10, 4), layout="constrained")
left, right = figure.subplots(1, 2)
fit.plot.profile("events", level=0.6827, ax=left)
fit.plot.contour("events", "efficiency", ax=right)
figure

# %% [markdown]
# The same counter without a source. The best signal is zero, at its bound, and has no error bar; what can be said is a
# limit. It is the value at which $2\log L$ has fallen by $1.645^2 = 2.71$ from its largest value within the bounds.

# %%
empty = rng.poisson(spectrum(energy, **(truth | {"events": 0.0})))
nothing = so.fit(spectrum, energy, empty, loss="poisson")
print(nothing)
upper_limit = nothing.limit("events", 0.95)
print(f"events < {upper_limit:.1f} at 95 % confidence")

# %% [markdown]
# How much of the limit is due to the efficiency? Hold it.

# %%
held = so.fit(spectrum, energy, empty, loss="poisson", start={"efficiency": so.Parameter(1.0, fixed=True)})
upper_limit_without = held.limit("events", 0.95)
print(f"events < {upper_limit_without:.1f} if the efficiency were exact")
