# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What was known at the date
#
# Features say what the firm knew of a client strictly before a *cut*, the first day of a month. The same code makes
# them for training, over many past cuts, and for scoring, at the newest one. The book here is made up by the
# simulator, so the plots show its rules, not those of real clients.

# %%
import datetime as dt
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from appetence.book import open_book
from appetence.book.simulate import simulate
from appetence.config import BookSettings, CoverageTarget, FeatureSettings, SimulateSettings
from appetence.features.pipeline import build_features
from appetence.features.population import population
from appetence.targets.attrition import attrition_targets

directory = Path(tempfile.mkdtemp()) / "book"
simulate(SimulateSettings(clients=2000, months=36, seed=2), directory)
book = open_book(BookSettings(directory=str(directory)))
cuts = [dt.date(2022, month, 1) for month in (1, 4, 7, 10)] + [dt.date(2023, month, 1) for month in (1, 4, 7)]
spine = population(book, cuts)
print(f"{len(spine):,} snapshots: the clients holding a contract at each of {len(cuts)} cuts")

# %% [markdown]
# ## One pass for all cuts
#
# A firm says what its clients should hold in `features.coverage` of its config; here, everyone an account, savings and
# insurance.

# %%
settings = FeatureSettings(coverage=(CoverageTarget(segment="all", families=("account", "savings", "insurance")),))
table = build_features(book, spine, settings)
catalogue = pd.DataFrame(
    [(f.name, f.group, f.unit.value, f.en.label, f.fr.label) for f in table.features],
    columns=["feature", "group", "unit", "in English", "en français"],
)
catalogue.groupby("group", sort=False).head(2)

# %% [markdown]
# ## Multi-holding
#
# How many products clients hold, and what the coverage target still misses.

# %%
features = table.data.to_pandas()
newest = features[features["cut"] == features["cut"].max()]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for axis, name, label in (
    (left, "products_held", "distinct products held"),
    (right, "coverage_gap", "families missing from the coverage target"),
):
    counts = newest[name].value_counts().sort_index()
    axis.bar(counts.index, counts.to_numpy())
    axis.set_xticks(counts.index, [f"{value:.0f}" for value in counts.index])
    axis.set_xlabel(label)
left.set_ylabel("clients")
figure.suptitle(f"{len(newest):,} clients at the cut of {newest['cut'].iloc[0]:%B %Y}")
figure.tight_layout()
assert newest["products_held"].min() >= 1

# %% [markdown]
# ## What came after
#
# Labels look at the window that begins at the cut; a client whose window is not fully observed is left out. Clients who
# leave within six months, by tenure and by their last contact with an advisor, beside the whole:

# %%
targets = attrition_targets(book, spine, horizon=6, gap=0).to_pandas()
known = features.merge(targets[targets["status"].isin(["left", "stayed"])], on=["client_id", "cut"])
known["left"] = known["status"] == "left"


def share_leaving(name: str) -> pd.DataFrame:
    """Return the share that leaves by quarter of a feature's values; clients without a value apart."""
    quarter = pd.qcut(known[name], 4, duplicates="drop").astype("str").where(known[name].notna(), "unknown or never")
    found = known.groupby(quarter)["left"].agg(["mean", "count"])
    return found.loc[known[name].groupby(quarter).min().sort_values().index]


figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for axis, name in zip(axes, ("tenure", "months_since_advisor"), strict=True):
    found = share_leaving(name)
    axis.bar(range(len(found)), 100 * found["mean"])
    axis.set_xticks(range(len(found)), found.index, rotation=20, fontsize=8)
    axis.axhline(100 * known["left"].mean(), color="black", linewidth=1)
    axis.set_title(next(f.en.label for f in table.features if f.name == name), fontsize=10)
axes[0].set_ylabel("% leaving in 6 months")
figure.tight_layout()
assert known["left"].any()

# %% [markdown]
# ## Money over time
#
# The median client's assets and the tenths around it, cut by cut; flows apart from market moves are in `net_flow_*`.

# %%
by_cut = features.groupby("cut")["assets"].quantile([0.1, 0.5, 0.9]).unstack()
figure, axis = plt.subplots(figsize=(9, 3))
axis.fill_between(by_cut.index, by_cut[0.1], by_cut[0.9], alpha=0.2, label="8 of 10 clients")
axis.plot(by_cut.index, by_cut[0.5], label="median")
axis.set_yscale("symlog", linthresh=1000)
axis.set_yticks([0, 1_000, 10_000, 50_000], ["0", "1,000", "10,000", "50,000"])
axis.set_ylabel("assets, € (log scale above 1,000)")
axis.legend()
figure.tight_layout()

# %% [markdown]
# ## Nothing from the future
#
# The features of an old cut, once from the book of today and once from what the firm knew then, are the same to the
# last bit: no later fact moves them.

# %%
import pyarrow.parquet as pq

cut = cuts[2]
then = Path(tempfile.mkdtemp())
for name in book.tables:
    pq.write_table(book.execute(book.as_known(name, cut)), then / f"{name}.parquet")
at_cut = population(book, [cut])
with open_book(BookSettings(directory=str(then), observed_from=book.observed_from, observed_until=cut)) as earlier:
    assert population(earlier, [cut]).equals(at_cut)
    same = build_features(earlier, at_cut, settings).data.equals(build_features(book, at_cut, settings).data)
assert same
print(f"{len(at_cut):,} clients × {len(table.features)} features: the same, with and without later facts")

# %%
book.close()
