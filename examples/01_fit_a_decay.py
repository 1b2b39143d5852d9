# %% [markdown]
# # Fit with error bars
# NIST reference data (Misra1a): volume of nitrogen adsorbed on a surface against pressure, an exponential approach to
# saturation. NIST certifies b1 = 238.94212918 +- 2.7070075241 and b2 = 5.5015643181e-04 +- 7.2668688436e-06.

# %%
import numpy as np

import sciopt as so

pressure = np.array([77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0])
volume = np.array(
    [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78],
)


def saturation(p, b1=so.Parameter(500.0, unit="cm3/g"), b2=so.Parameter(1e-4, unit="1/mmHg")):
    """Exponential approach to a limit."""
    return b1 * (1 - np.exp(-b2 * p))


fit = so.fit(saturation, pressure, volume)
print(fit)

# %% [markdown]
# The data, the curve with its band, and how well the parameters are determined.

# %%
fit.plot.fit(label="pressure (mmHg)").savefig("decay_fit.png", dpi=150)
fit.plot.spectrum().figure.savefig("decay_spectrum.png", dpi=150)
