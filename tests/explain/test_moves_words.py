"""Changes in words, as a French and an English reader would want them."""

import pytest

from appetence.explain.moves_words import say_change, say_unchanged
from appetence.explain.wording import NO_BREAK
from appetence.features.catalogue import THEMES, Feature, Shape, Unit, Wording, by_name, catalogue

SHAPE = Shape(families=("savings",), declared=(("club", "text"), ("kyc_on", "date")))
FEATURES = by_name(catalogue(shape=SHAPE))
VALUES = {
    Unit.FLAG: [True, False, None],
    Unit.CODE: ["phone", "branch", None],
}
NUMBERS = [None, -2.5, -1.0, 0.0, 1.0, 2.0, 14.0, 480.0, 1e6]


def french(name, before, now, months=1):
    return say_change(FEATURES[name], before, now, months, "fr").replace(NO_BREAK, " ").replace("\u202f", " ")


def english(name, before, now, months=1):
    return say_change(FEATURES[name], before, now, months, "en")


@pytest.mark.parametrize(
    ("name", "before", "now", "en", "fr"),
    [
        (
            "assets",
            15_100.0,
            12_400.0,
            "€12,400 of assets held with us, against €15,100 a month earlier",
            "12 400 € d’encours confiés, contre 15 100 € un mois plus tôt",
        ),
        (
            "complaints_3m",
            0.0,
            2.0,
            "2 complaints in the last 3 months; a month earlier: no complaint in the last 3 months",
            "2 réclamations au cours des 3 derniers mois ; un mois plus tôt : aucune réclamation au cours des 3 "
            "derniers mois",
        ),
        (
            "assets_change_6m",
            -0.12,
            -0.32,
            "Assets fell by 32% in 6 months, against 12% a month earlier",
            "Les encours ont baissé de 32 % en 6 mois, contre 12 % un mois plus tôt",
        ),
        (
            "assets_change_6m",
            0.05,
            -0.32,
            "Assets fell by 32% in 6 months; a month earlier: assets rose by 5% in 6 months",
            "Les encours ont baissé de 32 % en 6 mois ; un mois plus tôt : les encours ont augmenté de 5 % en 6 mois",
        ),
        (
            "tenure",
            13.0,
            14.0,
            "Client for 14 months; a month earlier: 13 months",
            "Client depuis 14 mois ; un mois plus tôt : 13 mois",
        ),
        (
            "preferred_channel",
            "phone",
            "branch",
            "Preferred channel: branch, against phone a month earlier",
            "Canal préféré : agence, contre téléphone un mois plus tôt",
        ),
        (
            "holds_savings",
            True,
            False,
            "Holds no product of the family “savings”; a month earlier: holds a product of the family “savings”",
            "Ne détient aucun produit de la famille « épargne » ; un mois plus tôt : détient un produit de la famille "
            "« épargne »",
        ),
        (
            "nps_change",
            None,
            2.0,
            "NPS 2 above the answer before; a month earlier: fewer than two answers to an NPS survey",
            "Note NPS supérieure de 2 à la réponse précédente ; un mois plus tôt : moins de deux réponses à une "
            "enquête NPS",
        ),
    ],
)
def test_a_value_is_told_with_what_it_was(name, before, now, en, fr):
    assert english(name, before, now) == en
    assert french(name, before, now) == fr


def test_a_name_in_capitals_stays_so_inside_a_sentence():
    noted = Wording("NPS", "NPS of {value}", missing="NPS unknown")
    feature = Feature("nps", "x", "satisfaction", Unit.SCORE, noted, noted)
    assert say_change(feature, None, 3.0, 1, "en") == "NPS of 3; a month earlier: NPS unknown"


def test_a_difference_that_the_figures_do_not_show_is_told_as_little():
    assert english("assets", 15_100.1, 15_100.4) == (
        "€15,100 of assets held with us, a little more than a month earlier"
    )
    assert french("assets", 15_100.4, 15_100.1) == "15 100 € d’encours confiés, un peu moins qu’un mois plus tôt"
    assert french("assets", 15_100.1, 15_100.4, 3) == "15 100 € d’encours confiés, un peu plus que 3 mois plus tôt"
    # a deeper fall is more of it
    assert english("assets_change_6m", -0.3201, -0.3202).endswith("32% in 6 months, a little more than a month earlier")
    assert french("tenure", 480.0, 481.0) == "Client depuis 40 ans, un peu plus qu’un mois plus tôt"


def test_more_months_are_counted():
    assert english("assets", 100.0, 200.0, 2).endswith("against €100 2 months earlier")
    assert french("assets", 100.0, 200.0, 2).endswith("contre 100 € 2 mois plus tôt")


def test_what_has_no_figure_is_told_once():
    assert french("season_cos", 0.5, 0.9) == "Effet de la période de l’année"


def test_a_theme_that_moved_without_a_change_of_its_own_says_so():
    assert say_unchanged(THEMES["contact"], "en") == (
        "Contact with the advisor: as before, but it weighs differently beside what changed"
    )
    assert say_unchanged(THEMES["contact"], "fr").startswith(f"Contact avec le conseiller{NO_BREAK}: rien de changé")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_change_of_every_feature_makes_a_sentence(language):
    for feature in FEATURES.values():
        values = VALUES.get(feature.unit, NUMBERS)
        for before in values:
            for now in values:
                if before == now:
                    continue
                text = say_change(feature, before, now, 1, language)
                assert text[0].isupper() or not text[0].isalpha()
                assert "{" not in text
                assert "None" not in text.replace("None of", "")
                assert "nan" not in text.lower().split()
                assert "  " not in text
