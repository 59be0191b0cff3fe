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
# # Tuning, comparing, promoting
#
# The classifier's defaults are meant to be used as they are. Whether other parameters are better on a book is a
# question to that book, and the honest answer is often "no". The book here is made up by the simulator, and small, so
# that this notebook runs in a minute: its figures say nothing of real clients.

# %%
import json
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import mlflow
import pandas as pd
import yaml

from appetence.config import load_config
from appetence.models.approval import Approval
from appetence.models.registry import resolve
from appetence.models.tracking import PARENT, TrackingStore
from appetence.models.tuning_record import STUDY
from appetence.run import models_of, promote_version, train_all, tune

place = Path(tempfile.mkdtemp())
firm = {
    "name": "notebook",
    "book": {"directory": str(place / "book"), "simulate": {"clients": 800, "months": 36, "seed": 4}},
    "features": {"groups": ["tenure", "holdings", "interactions"]},
    "attrition": {"horizon": 3, "min_events": 20},
    "next_product": {"enabled": False},
    "training": {"bootstrap": 100, "parameters": {"max_rounds": 30}},
    "tuning": {"trials": 4, "folds": 2},
    "scoring": {"database": str(place / "scores.duckdb")},
    "reports": {"directory": str(place / "reports")},
    "tracking": {"directory": str(place / "mlruns")},
}
(place / "firm.yaml").write_text(yaml.safe_dump(firm), encoding="utf-8")
config = load_config(place / "firm.yaml")

# %% [markdown]
# ## Tuning
#
# `appetence tune attrition --config firm.yaml` does what follows. Blocks stand in time order: train, tune, calibrate,
# test. A trial is judged at dates whose labels were known before the first test date; the test dates are scored once,
# when the search has ended.

# %%
result = tune(config, "attrition", minutes=10, trials=None)
print("\n".join(result.lines()))
assert max(result.folds) < min(result.tests)

# %% [markdown]
# The sentence is there in French too, and all figures:

# %%
print(result.verdict.fr)
pd.Series(result.outside)

# %% [markdown]
# **Again**: the trials that are finished are kept, whatever ended the process; more of them go on where the search was.
# While the best parameters stay the same, the test dates are not scored again; `times_scored` says how often they were.
# The more often one looks, the less a gain is worth.

# %%
more = tune(config, "attrition", minutes=10, trials=6)
assert sum(more.trials.values()) == 6
assert more.study == result.study
more.outside["times_scored"]

# %% [markdown]
# **In MLflow** the study is a run, with a nested run per trial; its plots are among its files.

# %%
store = TrackingStore(config.tracking, config.name)
client = mlflow.MlflowClient(tracking_uri=store.uri)
(study,) = store.find({STUDY: more.study.split()[-1]})
print([file.path for file in client.list_artifacts(study, "study")])
trials = pd.read_csv(Path(client.download_artifacts(study, "study/trials.csv")))
assert len(trials) == len(store.find({PARENT: study}))
trials.sort_values("loss").head()

# %% [markdown]
# What the trials inside the training period say, and what it came to outside of it. The gain on the left is what was
# searched for, so that it is never below zero; only the one on the right counts.

# %%
inside = more.inside["in use"] - more.inside["tuned"]
figure, axis = plt.subplots(figsize=(6, 3))
gain, low, high = (more.outside[name] for name in ("gain", "gain_low", "gain_high"))
axis.bar([0, 1], [inside, gain], color=["lightgrey", "steelblue"])
axis.vlines(1, low, high, color="black")
axis.axhline(0, color="black", linewidth=1)
axis.set_xticks([0, 1], ["inside the training period", "at the test dates, with 95 % interval"])
axis.set_ylabel("gain in log-loss")
figure.tight_layout()
assert inside >= 0
assert (more.state == "gained") == (low > 0)

# %% [markdown]
# ## Comparing and promoting
#
# Training keeps each version of a model in MLflow. The first that beats its baselines becomes the champion; a plain
# rate scores until there is one. What is trained later waits as a challenger, whatever its figures: here one with more
# trees allowed.

# %%
print("\n".join(train_all(config, ["attrition"]).lines()))
firm["training"]["parameters"]["max_rounds"] = 60
(place / "firm.yaml").write_text(yaml.safe_dump(firm), encoding="utf-8")
later = load_config(place / "firm.yaml")
print("\n".join(train_all(later, ["attrition"]).lines()))

# %% [markdown]
# All versions of the question and their figures, then two of them side by side. `appetence models` prints the same.

# %%
print("\n".join(models_of(later, "attrition", None).lines()))

# %%
side = models_of(later, "attrition", (1, 2))
print("\n".join(side.lines()))

# %% [markdown]
# `appetence promote attrition --why "…"` holds the challenger to the gate: both models on the newest months that are
# over, the same draws for both, calibration no worse. A tie is no reason to change.

# %%
asked = Approval.of(by="A. Martin", why="more trees were allowed", anyway=False)
outcome = promote_version(later, "attrition", 2, asked)
print("\n".join(outcome.lines()))
assert outcome.promoted == outcome.gate.wins

# %% [markdown]
# A person may overrule the gate either way, under a name and with a reason; that it was overruled stays in the history.
# Going back to an older version is the same command.

# %%
wanted = 1 if outcome.promoted else 2
insisted = promote_version(later, "attrition", wanted, Approval.of(by="B. Durand", why="to show it", anyway=True))
assert insisted.promoted
used = resolve(TrackingStore(later.tracking, later.name), later.name, "attrition")
assert used is not None
assert used.version == wanted
print(used.alias, used.version, used.stored.approved_by, used.stored.reason, sep="\n")
print("\n".join(models_of(later, "attrition", None).lines()))

# %% [markdown]
# What was approved are these very bytes: before each use the files are held against their hashes.

# %%
print(json.dumps(dict(used.stored.sha256), indent=1))
