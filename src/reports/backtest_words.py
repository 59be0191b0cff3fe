"""Every word of the page of a backtest, side by side in English and French."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from appetence.models.backtests.result import FIGURES
from appetence.models.backtests.segments import FEWEST_EVENTS, SEGMENTS

BACKTEST_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "language": ("English", "Français"),
        "languages": ("Languages", "Langues"),
        "skip": ("Skip to the content", "Aller au contenu"),
        "title": ("Backtest", "Test rétrospectif"),
        "as_of": ("book observed until the end of {month}", "données observées jusqu'à fin {month}"),
        "intro": (
            "At each test date the models and the plain rules beside them were made again from what was known then, "
            "and judged by what happened afterwards. Ranges in brackets are 95 % intervals: what the figure might have "
            "been with other clients.",
            "À chaque date de test, les modèles et les règles simples qui les accompagnent ont été refaits à partir de "
            "ce qui était alors connu, puis jugés sur ce qui s'est passé ensuite. Les fourchettes entre parenthèses "
            "sont des intervalles à 95 % : ce que le chiffre aurait pu être avec d'autres clients.",
        ),
        "attrition": ("Attrition", "Attrition"),
        "erosion": ("Silent erosion", "Érosion silencieuse"),
        "buy": ("First purchase: {product}", "Premier achat : {product}"),
        "rebuy": ("Another contract: {product}", "Un autre contrat : {product}"),
        "verdicts": ("Verdicts", "Verdicts"),
        "not_judged": ("Not judged", "Non jugé"),
        "facts": (
            "{rows} rows, {events} clients with events, {dates} test dates. Intervals resample {units} units: {unit}.",
            "{rows} lignes, {events} clients concernés, {dates} dates de test. Les intervalles rééchantillonnent "
            "{units} unités : {unit}.",
        ),
        "effect": (
            "Design effect by {unit}: {value}. ",
            "Effet de plan par {unit} : {value}. ",
        ),
        "effect_note": (
            "(A design effect of 4 makes an interval twice as wide as if clients were independent.)",
            "(Un effet de plan de 4 rend un intervalle deux fois plus large que si les clients étaient indépendants.)",
        ),
        "all_dates": ("All test dates", "Toutes les dates de test"),
        "figure": ("Figure", "Indicateur"),
        "model": ("model", "modèle"),
        "base rate": ("base rate", "taux de base"),
        "life table": ("life table", "table de survie"),
        "logistic regression": ("logistic regression", "régression logistique"),
        "ahead_auc": ("Ahead in AUC", "Avance en AUC"),
        "ahead_log_loss": ("Ahead in log-loss", "Avance en perte logarithmique"),
        "money": ("In money: outflow expected and seen", "En montants : sorties attendues et constatées"),
        "money_intro": (
            "Probability of erosion, times the share of the balances that leaves, times the balances. The mean error "
            "is smallest for a forecast near what is usual, which is nothing: that of forecasting nothing is told too. "
            "Caught: the part of what left that was with the tenth of clients for whom most was expected.",
            "Probabilité d'érosion, multipliée par la part des encours qui sort et par les encours. L'erreur moyenne "
            "est la plus faible pour une prévision proche du cas courant, c'est-à-dire rien : celle de ne rien prévoir "
            "est donnée aussi. Captés : la part des sorties qui se trouvait chez le dixième des clients où l'on "
            "attendait le plus.",
        ),
        "forecast": ("Forecast", "Prévision"),
        "promised": ("Expected", "Attendu"),
        "realised": ("Seen", "Constaté"),
        "left_ratio": ("Seen / expected", "Constaté / attendu"),
        "mae": ("Mean error per client", "Erreur moyenne par client"),
        "caught": ("Caught in 10 %", "Captés dans 10 %"),
        "tenth": ("Tenth by expected outflow", "Dixième selon les sorties attendues"),
        "nothing": ("nothing leaves", "rien ne sort"),
        "mean outflow": ("mean outflow", "sortie moyenne"),
        "mean share of balances": ("mean share of balances", "part moyenne des encours"),
        "last months carried forward": ("last months carried forward", "derniers mois prolongés"),
        "by_date": ("By test date", "Par date de test"),
        "date": ("Test date", "Date de test"),
        "rows": ("Rows", "Lignes"),
        "events": ("Events", "Événements"),
        "groups": ("New clients and segments", "Nouveaux clients et segments"),
        "groups_intro": (
            "Clients never seen: no row of their household was learnt from; they are mostly those who joined lately. "
            f"Groups with fewer than {FEWEST_EVENTS} events get no figure.",
            "Clients jamais vus : aucune ligne de leur foyer n'a servi à l'apprentissage ; ce sont surtout les "
            f"derniers arrivés. Les groupes de moins de {FEWEST_EVENTS} événements n'ont pas de chiffre.",
        ),
        "group": ("Group", "Groupe"),
        "unseen": ("clients never seen", "clients jamais vus"),
        "too_few": ("too few events for a figure", "trop peu d'événements pour un chiffre"),
        "Kaplan-Meier": ("Kaplan-Meier", "Kaplan-Meier"),
        "shifted-beta-geometric": ("shifted-beta-geometric", "bêta-géométrique décalée"),
        "observed": ("observed", "observé"),
        "horizons": ("Every horizon from one model", "Tous les horizons avec un seul modèle"),
        "horizons_intro": (
            "The model answers one horizon; each client's curve bends the book's life table to that answer, so that "
            "all horizons agree. Only test dates that were followed as long count. Kaplan-Meier and the "
            "shifted-beta-geometric know nothing of a client but the months since joining.",
            "Le modèle répond à un seul horizon ; la courbe de chaque client plie la table de survie du portefeuille à "
            "cette réponse, si bien que tous les horizons s'accordent. Seules comptent les dates de test suivies assez "
            "longtemps. Kaplan-Meier et la loi bêta-géométrique décalée ne savent d'un client que son ancienneté.",
        ),
        "ahead": ("Months ahead", "Mois à venir"),
        "months": ("{months} months", "{months} mois"),
        "of_scorer": ("of: {name}", "de : {name}"),
        "integrated_brier": (
            "Integrated Brier score over {months} months, {dates} test date(s)",
            "Score de Brier intégré sur {months} mois, {dates} date(s) de test",
        ),
        "ahead_of": ("Model ahead by", "Avance du modèle"),
        "ahead_range": ("{value} ({low} to {high})", "{value} ({low} à {high})"),
        "share_left": ("Share that has left, by months after the date", "Part des partis, par mois après la date"),
        "months_after": ("months after the test date", "mois après la date de test"),
        "share_gone": ("share that has left", "part des clients partis"),
        "by_year_joined": (
            "Share still there, by year of joining (Kaplan-Meier)",
            "Part encore présente, par année d'arrivée (Kaplan-Meier)",
        ),
        "months_since": ("months since joining", "mois depuis l'arrivée"),
        "share_staying": ("share still there", "part encore présente"),
        "drift": ("How far each date was from its past", "Distance entre chaque date et son passé"),
        "drift_intro": (
            "Adversarial AUC: how well test clients can be told from those learnt from, 0.5 where they look alike; "
            "without features that move because time passes, such as tenure. A feature moved beyond chance where its "
            "population stability index exceeds what two samples of one population of these sizes would show. "
            "Older rows count for less where that was surely better on later rows of other households, known by then.",
            "AUC adverse : à quel point les clients testés se distinguent de ceux de l'apprentissage, 0,5 s'ils se "
            "ressemblent ; sans les variables qui bougent avec le temps, comme l'ancienneté. Une variable a bougé plus "
            "que par hasard si son indice de stabilité dépasse ce que montreraient deux échantillons de ces tailles "
            "tirés d'une même population. Les lignes anciennes comptent moins là où c'était sûrement mieux sur des "
            "lignes plus récentes d'autres foyers, déjà connues alors.",
        ),
        "adversarial": ("Adversarial AUC", "AUC adverse"),
        "adversarial_rest": ("Without time", "Sans le temps"),
        "moved": ("Features moved", "Variables ayant bougé"),
        "half_life": ("Weight of rows halves every", "Poids des lignes divisé par deux tous les"),
        "all_alike": ("all alike", "toutes égales"),
        "of": ("{count} of {total}", "{count} sur {total}"),
        "led": ("Most telling", "Les plus parlantes"),
        "of_time": (
            "Features that must move with time, and did: {names}.",
            "Variables qui bougent forcément avec le temps, et l'ont fait : {names}.",
        ),
        "ranking": ("The order of products", "L'ordre des produits"),
        "ranking_intro": (
            "MAP@k, the mean average precision at k: how near the top of a client's list of k products those lie that "
            "the client then bought, 1 if they come first; over clients who bought one. “At best” is the most that any "
            "order could have had. Products without a model are ordered by their base rates. The plain orders know "
            "what the clients learnt from held at the newest date that the models knew; they are judged here and "
            "score nobody.",
            "MAP@k, précision moyenne à k : à quel point les produits ensuite achetés par un client sont en tête de sa "
            "liste de k produits, 1 s'ils viennent en premier ; sur les clients qui en ont acheté un. « Au mieux » est "
            "ce qu'un ordre quelconque aurait pu atteindre. Les produits sans modèle sont classés par leur taux de "
            "base. Les ordres simples connaissent ce que détenaient les clients de l'apprentissage à la dernière date "
            "connue des modèles ; ils sont jugés ici et n'évaluent personne.",
        ),
        "ranking_facts": (
            "{buyers} clients at a test date who bought something, {products} products in the order, a first contract "
            "and another one apart. Intervals resample {units} units: {unit}.",
            "{buyers} clients à une date de test ayant acheté quelque chose, {products} produits classés, premier "
            "contrat et autre contrat comptés à part. Les intervalles rééchantillonnent {units} unités : {unit}.",
        ),
        "popularity": ("popularity", "popularité"),
        "association rules": ("association rules", "règles d'association"),
        "similar clients": ("similar clients", "clients semblables"),
        "at_best": ("at best", "au mieux"),
        "ranking_ahead": ("{name}, models ahead by", "{name}, avance des modèles"),
        "reliability": ("Expected and observed, by tenth of the scores", "Attendu et observé, par dixième des scores"),
        "expected_share": ("expected share", "part attendue"),
        "observed_share": ("observed share", "part observée"),
        "auc_by_date": ("AUC by test date", "AUC par date de test"),
        "level_by_date": ("Observed over expected, by test date", "Observé sur attendu, par date de test"),
        "gains": ("Events found, by share of clients called", "Événements trouvés, par part de clients appelés"),
        "share_of_rows": ("share of clients", "part des clients"),
        "share_of_events": ("share of events", "part des événements"),
        "charts": ("Charts", "Graphiques"),
        "foot": (
            "Book {fingerprint}, appetence {version}. What was judged is the way models are made; the model that "
            "scores today has learnt from later months too.",
            "Données {fingerprint}, appetence {version}. C'est la manière de faire les modèles qui est jugée ; le "
            "modèle qui évalue aujourd'hui a aussi appris des mois suivants.",
        ),
        **{f"figure_{name}": words for name, words in FIGURES.items()},
        **{f"segment_{name}": words for name, words in SEGMENTS.items()},
    }
)
"""Per key, the English and the French words; `{name}` is where a value goes."""
