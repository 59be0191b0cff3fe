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
# # The client book
#
# What appetence reads, how it checks it, and what was known of a client at a date. The book here is made up by the
# simulator; a firm's own is opened the same way, with its own config.

# %%
import datetime as dt
import tempfile
from pathlib import Path

from appetence.book import open_book
from appetence.book.checks import check_book
from appetence.book.simulate import simulate
from appetence.config import BookSettings, SimulateSettings

directory = Path(tempfile.mkdtemp()) / "book"
simulate(SimulateSettings(clients=600, months=30, seed=1), directory)
book = open_book(BookSettings(directory=str(directory)))
book.tables

# %% [markdown]
# ## Checks
#
# One aggregate query per table. An error stops the job, a warning is counted, and rows that cannot be right are set
# aside with their reason; nothing is dropped silently.

# %%
report = check_book(book)
for finding in report.findings:
    print(f"{finding.severity}: {finding}")
assert report.ok

# %% [markdown]
# ## Two clocks
#
# Every fact says when it happened and when the firm knew it. A closing that was entered late was not known yet:
# at the cut, the contract is still in force as far as anyone could tell.

# %%
contracts = book.table("contracts").to_pandas()
late = contracts[contracts["closing_known_on"] > contracts["closed_on"]]
print(f"{len(late)} of {contracts['closed_on'].notna().sum()} closings were known after they happened")

# %%
cut = dt.date(2023, 1, 1)
then = book.as_known("contracts", cut).to_pandas()
print(f"{len(contracts)} contracts in the book, {len(then)} known before {cut}")
assert len(then) < len(contracts)

# %% [markdown]
# ## Features and what came after
#
# Features use what was known strictly before the cut; targets look at the window that begins with it. Where the window
# is not fully observed, the label is unknown, which is not a "no".

# %%
from appetence.features.pipeline import build_features
from appetence.features.population import population
from appetence.targets.attrition import attrition_targets

cuts = [dt.date(2022, 1, 1), dt.date(2022, 7, 1), dt.date(2023, 4, 1)]
spine = population(book, cuts)
table = build_features(book, spine)
features = table.data.to_pandas()
features.groupby("cut")[["tenure", "products_held", "assets"]].mean().round(1)

# %%
targets = attrition_targets(book, spine, gap=0, horizon=6).to_pandas()
targets.groupby("cut")["status"].value_counts().unstack(fill_value=0)

# %%
book.close()
