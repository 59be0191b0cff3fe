import numpy as np
import pandas as pd

from appetence.features.catalogue import Feature, Unit, Wording
from appetence.value.profile import best_clients


def feature(name, theme, unit, en, fr):
    return Feature(name, name, theme, unit, Wording(en, f"{en}: {{value}}"), Wording(fr, f"{fr} : {{value}}"))


CATALOGUE = (
    feature("income", "situation", Unit.MONEY, "Income", "Revenu annuel"),
    feature("noise", "situation", Unit.COUNT, "Noise", "Bruit"),
    feature("region", "situation", Unit.CODE, "Region", "Région"),
    feature("company", "profile", Unit.FLAG, "Company", "Entreprise"),
    feature("revenue", "profitability", Unit.MONEY, "Revenue", "Revenus"),
    feature("assets", "assets", Unit.MONEY, "Assets", "Encours"),
    feature("never", "situation", Unit.MONEY, "Never", "Jamais"),
)


def planted():
    rng = np.random.default_rng(1)
    worth = rng.normal(size=2_000)
    best = worth > np.quantile(worth, 0.9)
    features = pd.DataFrame(
        {
            "income": np.where(best, 60_000.0, 30_000.0) + rng.normal(0, 5_000, 2_000),
            "noise": rng.normal(size=2_000),
            "region": np.where(best & (rng.random(2_000) < 0.7), "Sud", rng.choice(["Nord", "Ouest"], 2_000)),
            "company": (rng.random(2_000) < np.where(best, 0.5, 0.1)).astype(float),
            "revenue": worth,
            "assets": np.where(best, 9.0, 1.0) + rng.random(2_000),
            "never": np.nan,
        }
    )
    return features, worth


def test_planted_traits_are_found_and_told_in_the_words_of_the_catalogue():
    features, worth = planted()
    region, income, company, *rest = best_clients(features, worth, CATALOGUE)
    assert (region.feature, region.code, region.others) == ("region", "Sud", 0.0)
    assert region.words.en == f"Region: Sud, {100 * region.value:.0f}% against 0%"
    assert income.feature == "income"
    assert 59_000 < income.value < 61_000
    assert 29_500 < income.others < 30_500
    assert income.words.fr.startswith("Revenu annuel\u00a0: ")
    assert "(autres\u00a0: Revenu annuel\u00a0: " in income.words.fr
    assert company.feature == "company"
    assert company.words.en == f"Company: {100 * company.value:.0f}% against {100 * company.others:.0f}%"
    assert [trait.feature for trait in rest] == ["noise"]
    assert abs(rest[0].effect) < 0.3


def test_what_a_prospect_shows_is_apart_from_what_only_a_client_does():
    features, worth = planted()
    told = {trait.feature for trait in best_clients(features, worth, CATALOGUE, themes=None)}
    assert told == {"income", "noise", "region", "company", "assets"}


def test_a_handful_of_clients_has_no_profile():
    features, worth = planted()
    assert best_clients(features[:200], worth[:200], CATALOGUE) == ()
    unknown = np.where(np.arange(2_000) < 250, worth, np.nan)
    assert best_clients(features, unknown, CATALOGUE) == ()
