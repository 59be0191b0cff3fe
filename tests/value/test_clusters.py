import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import adjusted_rand_score

from appetence.config import ClusterSettings
from appetence.errors import ArtefactError, UsageError
from appetence.features.catalogue import by_name
from appetence.value.cluster_profiles import cluster_profiles, cluster_verdict
from appetence.value.clusters import ClusterModel, Tried, learn_clusters

USED = ("tenure", "assets", "contacts_12m", "products_held")
# the same of everyone, of the person, of the market, worked out from the date of birth
LEFT_OUT = ("closings_announced", "age", "client_kind", "market_move_12m", "months_to_retirement")
FEATURES = tuple(by_name()[name] for name in (*USED, *LEFT_OUT))
SETTINGS = ClusterSettings(most=5, bootstrap=5, sample=1_500)
CLIENTS = 1_800


def made(separate=True, seed=0):
    """Return clients of three kinds, and their kinds: known long with money, new and talkative, and those between."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, CLIENTS, p=[0.5, 0.3, 0.2])
    where = kind if separate else np.zeros(CLIENTS, dtype=int)
    table = pa.table(
        {
            "client_id": pa.array(np.arange(CLIENTS)).cast(pa.string()),
            "tenure": np.array([40.0, 6.0, 200.0])[where] * rng.lognormal(0, 0.2, CLIENTS),
            "assets": pa.array(
                np.array([5e3, 1e3, 2e5])[where] * rng.lognormal(0, 0.3, CLIENTS), mask=rng.random(CLIENTS) < 0.05
            ),
            "contacts_12m": rng.poisson(np.array([2.0, 20.0, 3.0])[where]).astype(float),
            "products_held": rng.poisson(np.array([1.0, 1.0, 6.0])[where]) + 1.0,
            "closings_announced": np.zeros(CLIENTS),
            "age": np.array([20.0, 50.0, 80.0])[rng.choice(3, CLIENTS)],
            "market_move_12m": rng.normal(size=CLIENTS),
            "months_to_retirement": np.array([20.0, 200.0, 400.0])[rng.choice(3, CLIENTS)],
            "client_kind": np.where(rng.random(CLIENTS) < 0.5, "person", "company"),
        }
    )
    return table, kind


@pytest.fixture(scope="module")
def learnt():
    table, kind = made()
    return table, kind, learn_clusters(table, FEATURES, SETTINGS)


def test_planted_kinds_of_clients_are_found_and_numbered_by_size(learnt):
    table, kind, model = learnt
    placed = model.place(table)
    assert model.chosen.clusters == 3
    assert model.stable
    assert model.structured
    assert adjusted_rand_score(kind, placed) > 0.95
    assert np.all(np.diff(np.bincount(placed)[1:]) < 0)
    others, truth = made(seed=5)
    assert adjusted_rand_score(truth, model.place(others)) > 0.95


def test_only_behaviour_is_read(learnt):
    assert tuple(each.name for each in learnt[2].features) == USED
    with pytest.raises(ValueError, match="person"):
        ClusterSettings(groups=("tenure", "person"))


def test_the_same_seed_gives_the_same_numbers_and_json_keeps_them(learnt):
    table, _, model = learnt
    assert learn_clusters(table, FEATURES, SETTINGS) == model
    again = ClusterModel.from_json(model.to_json())
    assert again == model
    assert np.array_equal(again.place(table), model.place(table))
    assert again.place(table.slice(0, 0)).size == 0


def test_json_that_is_no_model_is_refused(learnt):
    raw = json.loads(learnt[2].to_json())
    fewer = {**raw, "centres": [row[:-1] for row in raw["centres"]]}
    for wrong in ("{", "[]", json.dumps({**raw, "tried": []}), json.dumps(fewer)):
        with pytest.raises(ArtefactError, match="clusters must be JSON as it was written"):
            ClusterModel.from_json(wrong)


def test_a_cloud_without_kinds_is_said_to_have_no_structure():
    model = learn_clusters(made(separate=False)[0], FEATURES, SETTINGS)
    assert not (model.stable and model.structured)


def test_what_cannot_make_clusters_is_refused(learnt):
    table, _, model = learnt
    with pytest.raises(UsageError, match="clusters need at least 50 clients, but got 49"):
        learn_clusters(table.slice(0, 49), FEATURES, SETTINGS)
    with pytest.raises(UsageError, match="features that differ among clients"):
        learn_clusters(table, FEATURES[4:], SETTINGS)
    with pytest.raises(UsageError, match="no assets"):
        model.place(table.drop_columns(["assets"]))


def test_clusters_are_told_by_what_sets_them_apart(learnt):
    table, _, model = learnt
    placed = model.place(table)
    profiles = cluster_profiles(model, table, placed, FEATURES, "EUR")
    assert [each.clients for each in profiles] == np.bincount(placed)[1:].tolist()
    assert sum(each.share for each in profiles) == pytest.approx(1.0)
    talkative, rich = profiles[1], profiles[2]
    told = {trait.feature: trait for trait in talkative.traits}
    expected = table["contacts_12m"].to_numpy()
    assert told["contacts_12m"].here == pytest.approx(expected[placed == 2].mean())
    assert told["contacts_12m"].book == pytest.approx(expected.mean())
    assert told["contacts_12m"].text_en.startswith("Contacts in 12 months: ")
    assert "en moyenne" in told["contacts_12m"].text_fr
    assert told["tenure"].apart < 0
    assert "More: Contacts in 12 months; less: " in talkative.name_en
    assert rich.name_fr.replace("\u00a0", " ").startswith("Plus : ")
    assert "Encours confiés" in rich.name_fr
    themes = {feature.name: feature.theme for feature in FEATURES}
    assert all(len({themes[t.feature] for t in each.traits}) == len(each.traits) for each in profiles)


def test_it_is_said_how_far_clusters_may_be_trusted(learnt):
    model = learnt[2]

    def with_figures(silhouette, stability):
        return cluster_verdict(replace(model, tried=(Tried(3, silhouette, stability),)))

    assert with_figures(0.4, 0.95).en == (
        "3 clusters, which other draws of clients give again (mean adjusted Rand index 0.95) and which lie apart "
        "(mean silhouette 0.40)"
    )
    assert "par degrés" in with_figures(0.2, 0.95).fr
    assert "silhouette moyenne : 0,20" in with_figures(0.2, 0.95).fr
    assert with_figures(0.4, 0.5).en.startswith("No number of clusters is stable")
    assert "il faut 0,8" in with_figures(0.4, 0.5).fr


def test_a_cluster_like_the_book_says_so(learnt):
    table, _, model = learnt
    (whole,) = cluster_profiles(model, table, np.ones(CLIENTS, dtype=np.int64), FEATURES, "EUR")
    assert (whole.traits, whole.name_en, whole.name_fr) == ((), "like the book", "semblable au portefeuille")
