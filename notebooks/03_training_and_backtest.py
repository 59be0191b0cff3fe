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
# # Training, and reading a backtest
#
# A model is made to be used on months that have not come yet. What can be known of it beforehand is how it would have
# done at earlier dates, made then from what was known then. The book here is made up by the simulator: the figures show
# how to read, not what to expect of real clients.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import shap

from appetence.book import open_book
from appetence.book.simulate import simulate
from appetence.config import (
    Asking,
    AttritionSettings,
    BacktestSettings,
    BookSettings,
    ErosionSettings,
    FeatureSettings,
    NextProductSettings,
    SimulateSettings,
    TrainingSettings,
)
from appetence.explain import explanation
from appetence.models.backtests.backtest import backtest_questions
from appetence.models.training import train_questions

directory = Path(tempfile.mkdtemp()) / "book"
simulate(SimulateSettings(clients=1_500, months=36, seed=3), directory)
book = open_book(BookSettings(directory=str(directory)))

# %% [markdown]
# ## Train
#
# One question: who leaves within three months. A training tests the procedure at two dates, then makes the model again
# with the newest labels. (Few rounds and draws here, so that the notebook is quick.)

# %%
asking = Asking(
    attrition=AttritionSettings(horizon=3, min_events=20),
    erosion=ErosionSettings(enabled=False),
    next_product=NextProductSettings(enabled=False),
)
features = FeatureSettings(groups=("tenure", "holdings", "balances", "interactions", "person"))
training = TrainingSettings(tests=2, test_spacing=3, bootstrap=40, parameters={"max_rounds": 40})
trained = train_questions(book, asking, features, training)
outcome = trained.outcomes["attrition"]
print(outcome.state, "–", outcome.verdict)
outcome.facts

# %% [markdown]
# ## What it leans on
#
# Exact Shapley values of the whole estimator, linear part and trees, in calibrated log-odds: a row's values and the
# base value add up to its score. They come in shap's own form, so that its plots draw them. Rows are those of the
# newest month that the model learnt from. (Every version in a store has such a report.)

# %%
X = outcome.sample.X[list(outcome.model.features)]
reasons = explanation(outcome.model.classifier, X)
scores = outcome.model.classifier.decision_function(X)
assert abs(reasons.base_values + reasons.values.sum(axis=1) - scores).max() < 1e-4
shap.plots.beeswarm(reasons, max_display=8, plot_size=(8, 4))

# %% [markdown]
# ## Backtest
#
# The same procedure at five dates. The verdict says it all in a sentence; what follows opens it.

# %%
result = backtest_questions(book, asking, features, training, BacktestSettings(tests=5, spacing=3))
found = result.backtests["attrition"]
print(found.verdict)
print(found.verdict.fr)

# %% [markdown]
# ## Beside plain baselines
#
# Each figure has an interval. Clients of a household move together, so households are what is drawn; on a book where
# whole months of joining leave at once, these are. The design effects that decide are computed on rows known before the
# first test date.

# %%
print(found.units, "units:", found.dependence.unit)
for unit, effect in found.dependence.effects.items():
    print(f"  design effect by {unit}: {effect.value:.2f} (1 ± {effect.error:.2f} if clients were independent)")
rows = {"model": found.pooled.model, **found.pooled.baselines}
pd.DataFrame(
    {
        scorer: {name: f"{one.value:.3f} ({one.low:.3f}–{one.high:.3f})" for name, one in figures.items()}
        for scorer, figures in rows.items()
    }
).fillna("")

# %% [markdown]
# Is it ahead of the life table, on the same draws?

# %%
ahead = found.pooled.ahead["life table"]
print({name: f"{one.value:+.4f} ({one.low:+.4f} to {one.high:+.4f})" for name, one in ahead.items()})
assert set(ahead) == {"auc", "log_loss"}

# %% [markdown]
# ## Date by date
#
# An average hides the one bad half-year that a risk committee will remember. Left, the order; right, the level:
# observed over expected events, where 1 is right.

# %%
dates = list(found.dates)
figure, axes = plt.subplots(1, 2, figsize=(9, 3))
for axis, name in zip(axes, ("auc", "observed_expected"), strict=True):
    own = [found.dates[date].model[name] for date in dates]
    spread = [[one.value - one.low for one in own], [one.high - one.value for one in own]]
    axis.errorbar(range(len(dates)), [one.value for one in own], spread, marker="o", label="model")
    for baseline in ("life table", "logistic regression"):
        axis.plot([found.dates[date].baselines[baseline][name].value for date in dates], "--", label=baseline)
    axis.set_xticks(range(len(dates)), [date[:7] for date in dates], fontsize=8)
    axis.set_title(name)
axes[0].axhline(0.5, color="grey", linewidth=1)
axes[1].axhline(1.0, color="grey", linewidth=1)
axes[0].legend(fontsize=8)
figure.tight_layout()

# %% [markdown]
# ## For whom
#
# By segment, and for clients of whose household nothing had been learnt. With few events there is no figure: a number
# from a handful of clients would be read as if it were one.

# %%
sheets = [("clients never seen", found.unseen)]
sheets += [(f"{one.by}: {one.value}", one.sheet) for one in found.segments]
pd.DataFrame(
    [
        (label, sheet.rows, sheet.events, f"{sheet.model['auc'].value:.3f}" if sheet.told else "too few events")
        for label, sheet in sheets
    ],
    columns=["clients", "rows", "events", "AUC"],
)

# %% [markdown]
# ## How far from the past
#
# An adversary tries to tell test clients from those learnt from. Tenure moves because time passes; what is left without
# such features is a change of the clients themselves. Read it beside the level: a date that is far from its past is
# where probabilities go wrong.

# %%
pd.DataFrame(
    [
        (
            one.date[:7],
            one.auc,
            one.auc_without_time,
            len(one.beyond),
            found.dates[one.date].model["observed_expected"].value,
            ", ".join(one.strongest[:3]),
        )
        for one in found.drift
    ],
    columns=["date", "adversarial AUC", "without time", "features moved", "O/E", "most telling"],
).round(3)

# %%
assert len(found.dates) >= 3
book.close()
