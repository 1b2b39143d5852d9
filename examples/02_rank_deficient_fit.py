# %% [markdown]
# # What the data do not determine
# Fluorescence decays are recorded at two concentrations with one detector. Gain, yield and concentration enter only as
# a product, so no data of this kind can tell them apart. A fit should say so, in the names of the parameters, and still
# give all that *can* be known with error bars.

# %%
import numpy as np
from matplotlib.figure import Figure

import sciopt as so

rng = np.random.default_rng(5)
time = np.linspace(0.0, 12.0, 60)
sigma = 0.02


def signal(t, gain=1.0, quantum_yield=0.5, tau=so.Parameter(2.0, unit="ns"), offset=0.0):
    """Detected intensity of a decay."""
    return gain * quantum_yield * np.exp(-t / tau) + offset


data = 1.2 * np.exp(-time / 3.0) + 0.1 + sigma * rng.standard_normal(time.size)
fit = so.fit(signal, time, data, sigma=sigma)
print(fit)

# %% [markdown]
# `gain` and `quantum_yield` have no error bar, with the reason; of the solutions that fit equally well the one nearest
# to the start was taken. The direction in which nothing is known:

# %%
for direction in fit.null_directions:
    print("not determined: ", " ".join(f"{c:+.3f} {name}" for name, c in direction.items()))
print("lifetime:        ", fit.values["tau"], "+-", fit.errors["tau"])

# %% [markdown]
# The spectrum shows it at a glance: one singular value lies at the level of rounding. The curve itself is known, band
# and all, since it does not depend on what is not.

# %%
figure = Figure(figsize=(10, 4), layout="constrained")
left, right = figure.subplots(1, 2)
fit.plot.spectrum(ax=left)
at = np.linspace(0.0, 12.0, 200)
curve, band = fit.predict(at, band=True)
right.errorbar(time, data, sigma, fmt=".", color="0.6", label="data")
right.plot(at, curve, label="fit")
right.fill_between(at, curve - band, curve + band, alpha=0.4, label="1-sigma band")
right.set_xlabel("time (ns)")
right.set_ylabel("intensity")
right.legend(frameon=False)
figure

# %% [markdown]
# Knowledge from elsewhere settles it: a calibration of the detector enters as a prior, one more datum.

# %%
calibrated = so.fit(
    signal,
    time,
    data,
    sigma=sigma,
    start={"gain": so.Parameter(2.0, prior=so.Normal(2.0, 0.1))},
)
print(calibrated)

# %% [markdown]
# The yield is now known to the 5 % of the calibration; lifetime and offset, which never needed it, are what they were.

# %%
rank = fit.rank
lifetime, lifetime_error = fit.values["tau"], fit.errors["tau"]
quantum_yield, yield_error = calibrated.values["quantum_yield"], calibrated.errors["quantum_yield"]
