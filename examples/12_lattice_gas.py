# %% [markdown]
# # A lattice gas in a periodic box
# Particles hop on a square lattice with periodic boundaries, at most one on a site. How far is a configuration from where
# it started? Particles are indistinguishable, so the answer is a transport distance; and the box is periodic, so a
# particle that leaves on the right has come back on the left: the cost must know.

# %%
import numpy as np
from matplotlib.figure import Figure

from sciopt import transport

rng = np.random.default_rng(2)
L, particles = 48, 300
box = transport.periodic([L, L])
steps = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])


def start():
    """Particles in a band, as after a quench."""
    sites = np.stack(np.meshgrid(np.arange(L), np.arange(12), indexing="ij"), -1).reshape(-1, 2)
    return sites[rng.choice(len(sites), particles, replace=False)]


def sweep(places):
    """One attempted hop of every particle; occupied sites refuse."""
    taken = np.zeros((L, L), bool)
    taken[tuple(places.T)] = True
    for k in rng.permutation(len(places)):
        to = (places[k] + steps[rng.integers(4)]) % L
        if not taken[tuple(to)]:
            taken[tuple(places[k])], taken[tuple(to)] = False, True
            places[k] = to
    return places


first = start()
now, walked = first.copy(), []
for time in range(1, 201):
    now = sweep(now)
    if time in (1, 10, 50, 100, 200):
        walked.append((time, float(transport.distance(first, now, cost=box))))
for time, w in walked:
    print(f"t = {time:3d}: W2 = {w:.3f} lattice constants")

# %% [markdown]
# The distance grows like the square root of time at first and then slower: indistinguishable particles may swap roles, so
# W2 is less than the root mean squared displacement of labelled walkers, sqrt(t).
#
# With the periodic cost a common translation of both configurations changes nothing. Without it, particles that
# crossed the boundary count as having gone the long way back.

# %%
offset = np.array([17, 5])
around = float(transport.distance(first, now, cost=box))
shifted = float(transport.distance((first + offset) % L, (now + offset) % L, cost=box))
cut = float(transport.distance(first, now))
cut_shifted = float(transport.distance((first + offset) % L, (now + offset) % L))
print(f"periodic: {around:.6f}, after a shift {shifted:.6f};  not periodic: {cut:.3f}, after a shift {cut_shifted:.3f}")

# %% [markdown]
# The plan tells the currents: here how much mass leaves the band in the direction across it.

# %%
solution = transport.distance(first, now, cost=box)
P = solution.plan.tocoo()
hop = now[P.col] - first[P.row]
hop = hop - L * np.floor(hop / L + 0.5)
print("mean squared displacement along and across the band:", np.round(P.data @ hop**2, 2))
middle = transport.interpolate(solution, t=0.5)
figure = Figure(figsize=(8, 4), layout="constrained")
for axes, points, title in zip(
    figure.subplots(1, 3), (first, middle.points, now), ("start", "half way", "end"), strict=True
):
    axes.plot(*points.T, ".", markersize=3)
    axes.set_title(title)
    axes.set_aspect("equal")
