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
# # What clients and a book are worth
#
# From scores to money: the value of a client term by term, whether earlier promises were kept, key figures of the book,
# and what another mix of clients would be worth. The book is made up by the simulator, and small, so that this notebook
# runs in a minute: its figures say nothing of real clients.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import yaml

from appetence.book import open_book
from appetence.config import load_config
from appetence.months import Month
from appetence.run import backtest_money, score_month, train_all
from appetence.scoring.published import published_run
from appetence.scoring.worth import read_worth
from appetence.value.book_worth import book_worths
from appetence.value.kpis import book_kpis
from appetence.value.whatif import Scenario, expected_book, what_if
from appetence.value.whatif_reach import needed_for

place = Path(tempfile.mkdtemp())
firm = {
    "name": "notebook",
    "book": {"directory": str(place / "book"), "simulate": {"clients": 800, "months": 36, "seed": 4}},
    "features": {"groups": ["tenure", "holdings", "balances"]},
    "attrition": {"horizon": 3, "min_events": 20},
    "erosion": {"horizon": 3},
    "next_product": {"enabled": False},
    "credit": {"enabled": False},
    "training": {"bootstrap": 100, "parameters": {"max_rounds": 30}},
    "backtest": {"tests": 2},
    "scoring": {"database": str(place / "scores.duckdb")},
    "reports": {"directory": str(place / "reports")},
    "tracking": {"directory": str(place / "mlruns")},
}
(place / "firm.yaml").write_text(yaml.safe_dump(firm), encoding="utf-8")
config = load_config(place / "firm.yaml")
train_all(config, None)
scored = score_month(config, None, None)
print("\n".join(scored.lines()))

# %% [markdown]
# ## The book, term by term
#
# `appetence value` adds a month up. The interval is what chance makes of a book of this size.

# %%
worth = read_worth(Path(config.scoring.database), None, config.currency)
print("\n".join(worth.lines()))

# %% [markdown]
# ## One client
#
# Every term stands beside the value, and they add up.

# %%
terms = ["value_margin", "value_erosion", "value_credit", "value_tail"]
with published_run(Path(config.scoring.database), None) as run:
    columns = ["lifetime_value", *terms, "value_low", "value_high", "past_profit", "attrition_12m"]
    clients = run.rows("client_scores", columns).to_pandas()
assert np.allclose(clients[terms].sum(axis=1), clients["lifetime_value"])
best = clients.sort_values("lifetime_value", ascending=False).iloc[0]
best.round(2)

# %% [markdown]
# Value is in few hands: that is why a list by what is at stake is another one than a list by risk.

# %%
ordered = np.sort(clients["lifetime_value"])[::-1]
figure, axis = plt.subplots(figsize=(6, 3))
axis.plot(np.arange(1, len(ordered) + 1) / len(ordered), np.cumsum(ordered) / ordered.sum(), color="steelblue")
axis.set_xlabel("share of the clients, those worth most first")
axis.set_ylabel("share of the value")
figure.tight_layout()

# %% [markdown]
# ## Were promises kept?
#
# `appetence backtest value`: at earlier dates, with models of then, what clients were said to bring in a year, and what
# their contracts did bring.

# %%
kept = backtest_money(config)
print("\n".join(kept.lines()))
deciles = pd.DataFrame([decile.as_dict() for decile in kept.deciles])
assert deciles["promised"].is_monotonic_increasing

# %% [markdown]
# ## Key figures, at every level
#
# Whole numbers per advisor add up to the team, the branch, the region and the company; ratios are made of the sums.

# %%
month = Month.parse(scored.month)
with open_book(config.book) as book:
    with published_run(Path(config.scoring.database), month) as run:
        scores = run.rows("client_scores", ["client_id", "lifetime_value", "potential", *terms[1:]])
    result = book_kpis(book, month.cut, {month.cut: scores}, config.value.multiple, months=2)
    values = book_worths(book, result, scores, config.value.multiple, config.currency)
kpis = result.table.to_pandas()
latest = kpis[(kpis["month"] == kpis["month"].max()) & (kpis["detail"] == "")]
company = latest[latest["level"] == "company"].set_index("kpi")
advisors = latest[latest["level"] == "advisor"].groupby("kpi")["numerator"].sum()
both = company.index.intersection(advisors.index)
assert (company.loc[both, "numerator"] == advisors[both]).all()
company[["value", "previous_year", "year_to_date"]].dropna(subset="value")

# %% [markdown]
# ## What the book is worth, two ways
#
# A multiple of the yearly revenue, explained by its terms, beside the discounted value of the clients, and why the two
# differ.

# %%
whole = next(one for one in values if one.level == "company")
print(whole.words.en)
assert sum(term.cents for term in whole.terms) == whole.book_value
pd.DataFrame([{"term": t.name, "multiple": t.multiple, "money": t.cents / 100, "why": t.words.en} for t in whole.terms])

# %% [markdown]
# ## Another mix of clients
#
# The table of Kronos Finance: clients of segment A, B, C and D bring some 3,000, 1,000, 500 and 100 a year. A source
# claims that going from 30/30/40 to 40/30/30 can raise a book's value by 60 %. By mix alone it cannot:

# %%
names, profit = ("A", "B", "C", "D"), {"A": 3000.0, "B": 1000.0, "C": 500.0, "D": 100.0}
today = expected_book(names, {"A": 0.3, "B": 0.3, "C": 0.4}, profit)
scenario = Scenario(mix={"A": 0.4, "B": 0.3, "C": 0.3})
rate, months = config.value.discount_rate, config.value.horizon
found = what_if(today, scenario, rate, months)
assert round(100 * found.change, 1) == 17.9
pd.DataFrame([vars(lever) for lever in needed_for(0.60, today, scenario, rate, months)])
