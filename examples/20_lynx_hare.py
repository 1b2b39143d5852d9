# %% [markdown]
# # Predators and prey: rates with error bars from two noisy curves
# Pelts of hares and lynxes recorded by the Hudson's Bay Company from 1900 to 1920, in thousands. The Lotka-Volterra
# equations have four rates; the populations of 1900 are unknown too. The model is an equation, not a formula: each
# residual is a point of its solution minus a datum.

# %%
import numpy as np

import sciopt as so

year = np.arange(1900.0, 1921.0)
hare = np.array(
    [
        30,
        47.2,
        70.2,
        77.4,
        36.3,
        20.6,
        18.1,
        21.4,
        22,
        25.4,
        27.1,
        40.3,
        57,
        76.6,
        52.3,
        19.5,
        11.2,
        7.6,
        14.6,
        16.2,
        24.7,
    ]
)
lynx = np.array(
    [4, 6.1, 9.8, 35.2, 59.4, 41.7, 19, 13, 8.3, 9.1, 7.4, 8, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7, 10.1, 8.6]
)


def populations(t, y, p):
    """Hares multiply and are eaten; lynxes live on hares and die."""
    meetings = y.hare * y.lynx
    return {"hare": p.birth * y.hare - p.eaten * meetings, "lynx": p.growth * meetings - p.death * y.lynx}


fit = so.dynamics.fit_ode(
    populations,
    year,
    {"hare": hare, "lynx": lynx},
    unknown={
        "birth": so.Parameter(0.55, unit="1/yr"),
        "eaten": so.Parameter(0.028, unit="1/yr"),
        "death": so.Parameter(0.8, unit="1/yr"),
        "growth": so.Parameter(0.024, unit="1/yr"),
    },
    initial={"hare": so.Parameter(30.0), "lynx": so.Parameter(4.0)},
)
print(fit)

# %% [markdown]
# The errors are scaled by the scatter, since no sigma was given. Rates of birth and death are strongly anticorrelated: what
# the period fixes is their product.

# %%
birth = fit.values["birth"]
fit.plot.trajectory(until=1930).savefig("lynx_hare.png", dpi=150)
fit.plot.phase().figure.savefig("lynx_hare_phase.png", dpi=150)

# %% [markdown]
# Beyond the data the band grows: a small error of the rates becomes an error of the phase.

# %%
curve, error = fit.predict(np.array([1910.0, 1920.0, 1930.0]), band=True)
for t, value, sigma in zip((1910, 1920, 1930), curve["hare"], error["hare"], strict=True):
    print(f"hares in {t}: {value:.0f} +- {sigma:.0f}")
