"""Every word of the model report, side by side in English and French."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MODEL_REPORT_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "skip": ("Skip to the content", "Aller au contenu"),
        "title": ("Model report: {name}, version {version}", "Rapport du modèle : {name}, version {version}"),
        "contents": ("On this page", "Sur cette page"),
        # figures at the top
        "tile_auc": ("AUC", "AUC"),
        "tile_lift_10": ("Lift at 10 %", "Lift à 10 %"),
        "tile_log_loss": ("Log-loss", "Perte logarithmique"),
        "tile_calibration_slope": ("Calibration slope", "Pente de calibration"),
        "tile_observed_expected": ("Observed / expected", "Observé / attendu"),
        "tile_calibration_error": ("Calibration error", "Erreur de calibration"),
        "by_chance": ("{value} by chance alone", "{value} par le seul hasard"),
        "interval": ("{low} to {high}", "{low} à {high}"),
        # what it is
        "what": ("What it is", "Ce qu'est ce modèle"),
        "question": ("Question", "Question"),
        "population": ("Population", "Population"),
        "horizon": ("Horizon", "Horizon"),
        "months": ("{months} months", "{months} mois"),
        "months_gap": ("{months} months, after a gap of {gap}", "{months} mois, après un délai de {gap}"),
        "learnt": ("Learnt from", "Appris sur"),
        "learnt_told": (
            "{rows} rows at {cuts} month ends, {first} to {last}; {events} clients to whom it happened",
            "{rows} lignes à {cuts} fins de mois, de {first} à {last} ; {events} clients concernés",
        ),
        "tested": ("Tested on", "Testé sur"),
        "tested_told": (
            "{rows} rows at {dates}, which the models tested had not learnt from",
            "{rows} lignes à {dates}, sur lesquelles les modèles testés n'avaient rien appris",
        ),
        "not_tested": ("not tested by itself", "pas testé en lui-même"),
        "and": (" and ", " et "),
        "reads": ("Reads", "Lit"),
        "reads_told": ("{read} features, of which {used} move scores", "{read} variables, dont {used} influent"),
        "made": ("Made of", "Composition"),
        "made_told": (
            "a linear part, shrunk to {shrink} of itself, and {trees} trees",
            "une partie linéaire, ramenée à {shrink} d'elle-même, et {trees} arbres",
        ),
        "made_trees": ("{trees} trees, without a linear part", "{trees} arbres, sans partie linéaire"),
        "made_linear": (
            "a linear part, shrunk to {shrink} of itself, and no trees that split",
            "une partie linéaire, ramenée à {shrink} d'elle-même, sans arbre qui sépare",
        ),
        "made_constant": ("one probability for everyone: {value}", "une même probabilité pour tous : {value}"),
        "calibrated": ("Calibrated", "Calibration"),
        "calibrated_told": (
            "log-odds = {slope} × margin {intercept}",
            "log-cote = {slope} × marge {intercept}",
        ),
        "recency": ("Older rows", "Lignes anciennes"),
        "recency_told": (
            "count half as much every {months} months",
            "comptent moitié moins tous les {months} mois",
        ),
        "recency_none": ("count as much as new ones", "comptent autant que les récentes"),
        "hash": ("Contract, SHA-256", "Contrat, SHA-256"),
        "book": ("Book", "Données"),
        "code": ("Software", "Logiciel"),
        "beside": ("See also", "Voir aussi"),
        "beside_told": (
            "the model card (card.html of the same run in MLflow, or “appetence models --card {question}”) for its "
            "limits, disparity and approvals; “appetence backtest {question}” for more test dates",
            "la fiche du modèle (card_fr.html du même run dans MLflow, ou « appetence models --card {question} ») pour "
            "ses limites, les disparités et les approbations ; « appetence backtest {question} » pour d'autres dates "
            "de test",
        ),
        # why
        "leans": ("What it leans on", "Sur quoi il s'appuie"),
        "leans_intro": (
            "Contributions of the features to the log-odds of each of {rows} rows, drawn (seed {seed}) from the {of} "
            "at the end of {month}, the newest month that the model learnt from: exact Shapley values of the linear "
            "part and the trees together. Added to the starting point, {baseline}, they give the row's probability; "
            "no row was off by {gap} or more. They say what the model does, not what causes what.",
            "Contributions des variables à la log-cote de {rows} lignes, tirées (graine {seed}) parmi les {of} de fin "
            "{month}, le dernier mois sur lequel le modèle a appris : valeurs de Shapley exactes de la partie linéaire "
            "et des arbres réunis. Ajoutées au point de départ, {baseline}, elles donnent la probabilité de la ligne ; "
            "aucune ligne ne s'en écarte de {gap} ou plus. Elles disent ce que fait le modèle, pas ce qui "
            "cause quoi.",
        ),
        "nothing": (
            "It gives everyone the same probability: there is nothing to explain.",
            "Il donne à tous la même probabilité : il n'y a rien à expliquer.",
        ),
        "moves_nothing": (
            "No feature moves the scores: all rows have the same probability.",
            "Aucune variable n'influe : toutes les lignes ont la même probabilité.",
        ),
        "no_why": (
            "No contributions were kept with this version.",
            "Aucune contribution n'a été conservée avec cette version.",
        ),
        "by_theme": ("By theme", "Par thème"),
        "by_theme_note": (
            "Within a theme contributions may cancel out: what is told is the mean size of their sum.",
            "Au sein d'un thème, des contributions peuvent se compenser : on donne la taille moyenne de leur somme.",
        ),
        "by_feature": ("By feature", "Par variable"),
        "by_feature_note": (
            "The {shown} strongest. Dark: the linear part; light: the trees, both by their mean size. Points are "
            "points of probability.",
            "Les {shown} plus fortes. Foncé : la partie linéaire ; clair : les arbres, selon leur taille moyenne. Les "
            "points sont des points de probabilité.",
        ),
        "theme": ("Theme", "Thème"),
        "lever": ("lever", "levier"),
        "feature": ("Feature", "Variable"),
        "features": ("Features", "Variables"),
        "weight": ("Weight", "Poids"),
        "log_odds": ("Log-odds", "Log-cote"),
        "points": ("Points", "Points"),
        "relation": ("When it is higher", "Quand elle est plus élevée"),
        "relation_up": ("likelier", "plus probable"),
        "relation_down": ("less likely", "moins probable"),
        "relation_both": ("now one, now the other", "tantôt l'un, tantôt l'autre"),
        "relation_yes_up": ("likelier if yes", "plus probable si oui"),
        "relation_yes_down": ("less likely if yes", "moins probable si oui"),
        "relation_level": ("by level", "selon la modalité"),
        "relation_none": ("–", "–"),
        "swarm": (
            "Each row's contribution, the strongest features first",
            "Contribution de chaque ligne, les variables les plus fortes d'abord",
        ),
        "swarm_axis": (
            "contribution to the log-odds: right of the line, likelier",
            "contribution à la log-cote : à droite de la ligne, plus probable",
        ),
        "swarm_note": (
            "{dots} rows per feature, drawn anew and shuffled for each: dots at the same height are not the same "
            "client. Colours are the fifth of the rows that the value falls in.",
            "{dots} lignes par variable, retirées et mélangées pour chacune : deux points à la même hauteur ne sont "
            "pas le même client. Les couleurs donnent le cinquième des lignes où se situe la valeur.",
        ),
        "v0": ("lowest fifth, or no", "cinquième le plus bas, ou non"),
        "v1": ("second", "deuxième"),
        "v2": ("middle", "milieu"),
        "v3": ("fourth", "quatrième"),
        "v4": ("highest fifth, or yes", "cinquième le plus haut, ou oui"),
        "missing": ("no value", "valeur absente"),
        "level": ("a level, without order", "une modalité, sans ordre"),
        "shapes": ("How contributions follow values", "Comment les contributions suivent les valeurs"),
        "shapes_intro": (
            "Means of the contributions by value, with the range from the 10th to the 90th percentile. Bins of numbers "
            "hold about as many rows each, so that the axis counts rows and its ticks tell the values there. Where "
            "another feature explains {enough} or more of the spread within bins, the halves it makes are drawn too. "
            "No mean is told of fewer than {fewest} rows.",
            "Moyennes des contributions selon la valeur, avec l'étendue du 10e au 90e centile. Les tranches de nombres "
            "comptent à peu près autant de lignes chacune : l'axe compte donc des lignes, et ses graduations disent "
            "les valeurs. Quand une autre variable explique {enough} ou plus de la dispersion au sein des tranches, "
            "les deux moitiés qu'elle forme sont tracées aussi. Aucune moyenne ne porte sur moins de {fewest} lignes.",
        ),
        "contribution": ("contribution, log-odds", "contribution, log-cote"),
        "all": ("all rows, 10–90 %", "toutes, 10–90 %"),
        "no": ("no", "non"),
        "yes": ("yes", "oui"),
        "rare": ("rare levels", "modalités rares"),
        "missing_told": (
            "No value: {mean} ({rows} rows).",
            "Valeur absente : {mean} ({rows} lignes).",
        ),
        "split_told": (
            "Apart by another feature, which explains {share} of the spread within bins: {feature}.",
            "Séparé selon une autre variable, qui explique {share} de la dispersion au sein des tranches : {feature}.",
        ),
        "lower_than": ("at most {at}", "{at} au plus"),
        "upper_than": ("above {at}", "plus de {at}"),
        "unit_money": ("", ""),
        "unit_share": ("", ""),
        "unit_months": ("months", "mois"),
        "unit_years": ("years", "ans"),
        "unit_count": ("number", "nombre"),
        "unit_score": ("score", "note"),
        "severity": ("What share leaves, where money does", "Quelle part sort, quand de l'argent sort"),
        "severity_intro": (
            "The second part of the expected outflow: the share of the balances that leaves if erosion happens, "
            "{mean} on average over the same rows. Points are points of that share.",
            "La seconde partie des sorties attendues : la part des encours qui sort en cas d'érosion, {mean} en "
            "moyenne sur les mêmes lignes. Les points sont des points de cette part.",
        ),
        # out of time
        "held_out": ("Out of time", "Hors échantillon, dans le temps"),
        "held_out_intro": (
            "Scores given as of earlier dates, by models made the same way of what was known then, beside what "
            "happened afterwards. The model that serves was made anew with the newest months, on which nothing could "
            "be tested yet. Ranges are 95 % intervals{unit}.",
            "Scores donnés à des dates antérieures, par des modèles faits de la même manière avec ce qui était alors "
            "connu, face à ce qui s'est passé ensuite. Le modèle en service a été refait avec les mois les plus "
            "récents, sur lesquels rien ne pouvait encore être testé. Les fourchettes sont des intervalles à 95 %"
            "{unit}.",
        ),
        "unit_household": (", households drawn as one", ", foyers tirés d'un bloc"),
        "unit_cohort": (", months of joining drawn as one", ", mois d'arrivée tirés d'un bloc"),
        "no_held_out": (
            "This version was not tested by itself: it stands in where no model beat its baselines, or there was too "
            "little to test.",
            "Cette version n'a pas été testée en elle-même : elle sert quand aucun modèle n'a battu ses références, ou "
            "qu'il y avait trop peu à tester.",
        ),
        "no_curves": (
            "No curves were kept with this version: intervals are Wilson's, and gains are not drawn.",
            "Aucune courbe n'a été conservée avec cette version : les intervalles sont ceux de Wilson, et les gains "
            "ne sont pas tracés.",
        ),
        "reliability": ("Reliability by tenth of the score", "Fiabilité par dixième du score"),
        "expected_share": ("probability given", "probabilité donnée"),
        "observed_share": ("share to whom it happened", "part des clients concernés"),
        "spread": ("How the scores are spread", "Distribution des scores"),
        "score": ("probability given", "probabilité donnée"),
        "share_of_group": ("share of the group", "part du groupe"),
        "happened": ("it happened", "concernés"),
        "did not": ("it did not", "non concernés"),
        "gains": ("Gains: events found by share of clients", "Gains : événements captés par part des clients"),
        "lift": ("Lift: how many times more than at random", "Lift : combien de fois plus qu'au hasard"),
        "share_of_rows": ("share of clients, highest scores first", "part des clients, par score décroissant"),
        "share_of_events": ("share of events", "part des événements"),
        "times": ("times as at random", "fois le hasard"),
        "model": ("model", "modèle"),
        "base rate": ("base rate", "taux de base"),
        "life table": ("life table", "table de survie"),
        "logistic regression": ("logistic regression", "régression logistique"),
        "best": ("best possible order", "meilleur ordre possible"),
        "by probability": ("probability alone", "probabilité seule"),
        "by_money_outflow": ("expected outflow", "sorties attendues"),
        "by_money_assets": ("probability × assets", "probabilité × encours"),
        "amount alone": ("assets alone", "encours seuls"),
        "mean outflow": ("mean outflow", "sortie moyenne"),
        "mean share of balances": ("mean share of balances", "part moyenne des encours"),
        "last months carried forward": ("last months carried forward", "derniers mois prolongés"),
        "money_outflow": ("Money that left, found by share of clients", "Sorties captées par part des clients"),
        "money_assets": ("Assets of those who left, found", "Encours des partants, captés"),
        "share_of_money": ("share of the money", "part des montants"),
        "money_note": (
            "In the tenth ranked first: {model} of the money by probability alone, {money} by {by}. A few "
            "clients hold much of the money: with others these curves would look different.",
            "Dans le premier dixième : {model} des montants par probabilité seule, {money} par {by}. "
            "Quelques clients détiennent une grande part des montants : avec d'autres, ces courbes différeraient.",
        ),
        "figures": ("Figures beside plain baselines", "Indicateurs face aux références simples"),
        "figure": ("Figure", "Indicateur"),
        "range": ("95 % interval", "Intervalle à 95 %"),
        "by_date": ("By test date", "Par date de test"),
        "date": ("Test date", "Date de test"),
        "rows": ("Rows", "Lignes"),
        "events": ("Events", "Événements"),
        "observed": ("Observed", "Observé"),
        "mean_score": ("Mean score", "Score moyen"),
        "ratio": ("Observed / expected", "Observé / attendu"),
        "psi": ("Stability of the scores", "Stabilité des scores"),
        "psi_note": (
            "Population stability index of the scores beside those of the first test date; in brackets what it would "
            "not exceed by chance.",
            "Indice de stabilité de population des scores face à ceux de la première date de test ; entre parenthèses, "
            "ce qu'il ne dépasserait pas par hasard.",
        ),
        "first": ("–", "–"),
        "beyond": ("moved", "déplacés"),
        "gap_note": (
            "Expected calibration error: mean distance of the share observed from the mean score over tenths, rows "
            "weighted; above zero by chance even for perfect probabilities.",
            "Erreur de calibration attendue : distance moyenne entre la part observée et le score moyen par dixième, "
            "pondérée par les lignes ; supérieure à zéro par hasard, même pour des probabilités parfaites.",
        ),
        "foot": (
            "Rows are anonymous: means of at least {fewest} rows, contributions without their clients, values as "
            "fifths. Made by appetence {version}.",
            "Les lignes sont anonymes : moyennes d'au moins {fewest} lignes, contributions sans leurs clients, valeurs "
            "par cinquièmes. Produit par appetence {version}.",
        ),
    }
)
"""Per key, the English and the French words; `{name}` is where a value goes."""
