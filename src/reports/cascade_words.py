"""Words of the pages of teams, branches, regions and the company, of alerts, of the month's changes and of lists."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CASCADE_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # levels
        "level_region": ("Region", "Région"),
        "level_branch": ("Branch", "Agence"),
        "level_team": ("Team", "Équipe"),
        "level_advisor": ("Advisor", "Conseiller"),
        "levels_region": ("Regions", "Régions"),
        "levels_branch": ("Branches", "Agences"),
        "levels_team": ("Teams", "Équipes"),
        "rank": ("Rank", "Rang"),
        "rank_of": ("Rank {rank} of {count} by value at stake", "Rang {rank} sur {count} par valeur en jeu"),
        "rank_by_risk": (
            "Rank {rank} of {count} by departures expected",
            "Rang {rank} sur {count} par départs attendus",
        ),
        "children_intro": (
            "The lines add up to the figures above.",
            "La somme des lignes donne les chiffres ci-dessus.",
        ),
        "below": ("Below", "Niveau inférieur"),
        "leaver_rate": ("Share expected to leave", "Part de départs attendus"),
        "stake_change": (
            "The change is that of the value at stake since {month}.",
            "La variation est celle de la valeur en jeu depuis {month}.",
        ),
        "stake_moved": ("Change of value at stake", "Variation de la valeur en jeu"),
        "total": ("Total", "Total"),
        "colon": (":", " :"),
        # trend
        "trend": ("Trend", "Évolution"),
        "trend_intro": (
            "All months published, up to {months}; each axis starts at zero. Advisors are counted where they are now, "
            "with the clients they had in each month.",
            "Tous les mois publiés, {months} au plus ; chaque axe part de zéro. Les conseillers sont comptés là où ils "
            "sont aujourd'hui, avec les clients qu'ils avaient chaque mois.",
        ),
        "trend_none": (
            "This is the first month published: there is no trend yet.",
            "C'est le premier mois publié : il n'y a pas encore d'évolution.",
        ),
        "trend_line": ("from {first} in {month}", "contre {first} en {month}"),
        "figures": ("Figures of all months", "Chiffres de tous les mois"),
        # changes
        "changes": ("The month's changes", "Les changements du mois"),
        "changes_none": (
            "No earlier month is published: there is nothing to compare with.",
            "Aucun mois antérieur n'est publié : il n'y a rien à comparer.",
        ),
        "changes_intro": (
            "Against {month}, the last month published before. Scores move with the client, and where a model was "
            "replaced, with the model.",
            "Par rapport à {month}, dernier mois publié auparavant. Les scores évoluent avec le client et, quand un "
            "modèle a été remplacé, avec le modèle.",
        ),
        "change_new": ("New clients", "Nouveaux clients"),
        "change_gone": ("No longer scored", "Ne sont plus évalués"),
        "change_gone_note": (
            "left, without a contract, or objecting to profiling",
            "partis, sans contrat ou opposés au profilage",
        ),
        "change_up": ("Risk tier up", "Niveau de risque en hausse"),
        "change_down": ("Risk tier down", "Niveau de risque en baisse"),
        "change_arrived": ("From another advisor", "Venus d'un autre conseiller"),
        "change_objected": ("{count} objecting to profiling, not named", "{count} opposés au profilage, non nommés"),
        "change_told": (
            "Tier changes and the largest moves of value at stake, at most {count} clients.",
            "Changements de niveau et plus fortes variations de la valeur en jeu, {count} clients au plus.",
        ),
        "tier_before": ("Tier before → now", "Niveau avant → maintenant"),
        "risk_before": ("Risk before → now", "Risque avant → maintenant"),
        "stake_before": ("Value at stake before", "Valeur en jeu avant"),
        "change": ("Change", "Variation"),
        "nobody_moved": ("No client moved noticeably.", "Aucun client n'a évolué de manière notable."),
        # alerts
        "alerts": ("Alerts", "Alertes"),
        "alerts_intro": (
            "By money. An alert stands here when one of these rules is true:",
            "Par montant. Une alerte figure ici lorsque l'une de ces règles est vérifiée :",
        ),
        "alerts_none": (
            "No rule is true of a client here.",
            "Aucune règle n'est vérifiée pour les clients de cette page.",
        ),
        "alert": ("Alert", "Alerte"),
        "side_retention": ("Retention", "Rétention"),
        "side_growth": ("Growth", "Développement"),
        "alert_rose": ("Risk now high", "Risque devenu élevé"),
        "alert_outflow": ("Large outflow", "Fortes sorties"),
        "alert_complaint": ("Complaint", "Réclamation"),
        "alert_term": ("Contract term", "Échéance"),
        "alert_event": ("Life event", "Événement de vie"),
        "alert_crossed": ("Readier to buy", "Plus enclin à l'achat"),
        "rule_rose": (
            "the risk of leaving has become high since {month}",
            "le risque de départ est devenu élevé depuis {month}",
        ),
        "rule_outflow": (
            "likelier than average to take money out, with an expected outflow of {money} or more: the {share} of the "
            "book with the largest",
            "plus exposé que la moyenne à l'érosion, avec des sorties attendues d'au moins {money} : les {share} du "
            "portefeuille global où elles sont les plus fortes",
        ),
        "rule_complaint": ("a complaint this month", "une réclamation ce mois-ci"),
        "rule_term": ("a contract's term within {months}", "l'échéance d'un contrat d'ici {months}"),
        "rule_event": (
            "a life event learnt of this month, and a product that the client is readier than average to buy",
            "un événement de vie appris ce mois-ci et un produit pour lequel le client est plus enclin à l'achat que "
            "la moyenne",
        ),
        "rule_crossed": (
            "the probability of a first purchase has passed {times} times the average since {month}",
            "la probabilité d'un premier achat a dépassé {times} fois la moyenne depuis {month}",
        ),
        "rule_no_earlier": (
            "What became high, or passed a mark, cannot be told: no earlier month is published.",
            "Ce qui est devenu élevé ou a franchi un seuil ne peut être signalé : aucun mois antérieur n'est publié.",
        ),
        "rule_marketing": (
            "Growth alerts leave out clients who object to marketing.",
            "Les alertes de développement écartent les clients opposés à la prospection.",
        ),
        "why_rose": ("{before} → {after}", "{before} → {after}"),
        "why_outflow": (
            "{times}\N{NO-BREAK SPACE}× the average risk of erosion",
            "{times}\N{NO-BREAK SPACE}× le risque d'érosion moyen",
        ),
        "why_complaint": ("Complaint on {date}", "Réclamation le {date}"),
        "why_term": ("{product}, term on {date}", "{product}, échéance le {date}"),
        "why_event": (
            "{event} ({month}); {product}: {share}, {times}\N{NO-BREAK SPACE}× average",
            "{event} ({month}) ; {product} : {share}, {times}\N{NO-BREAK SPACE}× la moyenne",
        ),
        "why_crossed": (
            "{product}: {before} → {after}, {times}\N{NO-BREAK SPACE}× average",
            "{product} : {before} → {after}, {times}\N{NO-BREAK SPACE}× la moyenne",
        ),
        "money": ("Money", "Montant"),
        "of_at_stake": ("at stake", "en jeu"),
        "of_outflow": ("expected outflow", "de sorties attendues"),
        "of_balance": ("balance", "d'encours"),
        "of_expected_value": ("expected value", "de valeur attendue"),
        # filters
        "filters": ("Filter the lists", "Filtrer les listes"),
        "filter_tier": ("Risk:", "Risque :"),
        "filter_product": ("Best product:", "Meilleur produit :"),
        "filter_alert": ("Alert:", "Alerte :"),
        "filter_channel": ("Channel:", "Canal :"),
        "filter_all": ("all", "tous"),
        "filter_any": ("with any", "avec alerte"),
        "filter_clear": ("Clear", "Effacer"),
        "filter_found": ("{shown} of {all} clients", "{shown} clients sur {all}"),
        "best_product": ("Best product", "Meilleur produit"),
        "channel_phone": ("phone allowed", "téléphone autorisé"),
        "channel_no_phone": ("not by phone", "pas par téléphone"),
        "channel_marketing": ("marketing allowed", "prospection autorisée"),
        "channel_no_marketing": ("no marketing", "pas de prospection"),
        # lists to take along
        "keep_short": ("Money that may leave", "Encours exposés"),
        "sections": ("On this page", "Sur cette page"),
        "lists": ("Call list of all clients:", "Liste d'appels de tous les clients :"),
        "list_xlsx": ("Excel (XLSX)", "Excel (XLSX)"),
        "list_csv": ("text (CSV)", "texte (CSV)"),
        "list_title": ("Call list", "Liste d'appels"),
        "column_client_id": ("Client no.", "Client n°"),
        "column_name": ("Name", "Nom"),
        "column_advisor": ("Advisor", "Conseiller"),
        "column_tier": ("Risk tier", "Niveau de risque"),
        "column_risk": ("Risk of leaving", "Risque de départ"),
        "column_at_stake": ("Value at stake", "Valeur en jeu"),
        "column_value": ("Lifetime value", "Valeur vie client"),
        "column_outflow": ("Expected outflow", "Sorties attendues"),
        "column_potential": ("Potential", "Potentiel"),
        "column_product": ("Best product", "Meilleur produit"),
        "column_chance": ("Probability of purchase", "Probabilité d'achat"),
        "column_worth": ("Expected value", "Valeur attendue"),
        "column_reasons": ("Why at risk", "Motifs du risque"),
        "column_why_product": ("Why this product", "Motifs du produit"),
        "column_alerts": ("Alerts", "Alertes"),
        "column_phone": ("Phone", "Téléphone"),
        "column_marketing": ("Marketing", "Prospection"),
        "column_last_contact": ("Last contact", "Dernier contact"),
        "allowed": ("allowed", "autorisé"),
        "refused": ("refused", "refusé"),
    }
)
"""Per key, the English and the French words, as in `language.WORDS`."""
