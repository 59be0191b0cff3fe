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
from appetence.models.registry import model_name, resolve
from appetence.models.tracking import PARENT, TrackingStore
from appetence.models.tuning_record import STUDY
from appetence.run import train_all, tune

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
# rate scores until there is one. `resolve` says which version is in use, and why.

# %%
for _ in range(2):
    print("\n".join(train_all(config, ["attrition"]).lines()))
used = resolve(store, config.name, "attrition")
assert used is not None
print(used.alias, used.version, used.stored.approved_by, used.stored.reason, sep="\n")

# %% [markdown]
# All versions of the question, with the figures of the runs that made them:

# %%
rows = []
for version in client.search_model_versions(f"name = '{model_name(config.name, 'attrition')}'"):
    metrics = client.get_run(version.run_id).data.metrics
    rows.append(
        {
            "version": int(version.version),
            "kind": version.tags["kind"],
            "in use": int(version.version) == used.version,
            **{name: metrics[name] for name in ("auc", "log_loss", "observed_expected")},
        }
    )
versions = pd.DataFrame(rows).sort_values("version").set_index("version")
assert versions["in use"].sum() == 1
versions

# %% [markdown]
# What was approved are these very bytes: before each use the files are held against their hashes.

# %%
print(json.dumps(dict(used.stored.sha256), indent=1))
