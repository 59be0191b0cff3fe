"""Short French texts of contacts, by topic: an opening, what it is about, a closing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
import pyarrow as pa

from appetence.book.simulate.arrays import Ints
from appetence.book.simulate.names import HOSTILE

_SAID = ("", "Le client indique : ", "Note de contact : ", "Suite à notre échange, ", "Bonjour, ", "Message : ")
_WROTE = ("Bonjour, ", "Madame, Monsieur, ", "", "Cher conseiller, ", "Je vous écris car ")
_ENDINGS = ("", " Merci.", " À rappeler.", " Cordialement.", " Réponse attendue cette semaine.", " RAS par ailleurs.")

_TOPICS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "complaint": (
        _WROTE,
        (
            "je ne suis pas satisfait du traitement de ma demande, c'est inadmissible.",
            "réclamation : mon virement a été rejeté sans explication, je suis très déçue.",
            "aucune réponse depuis trois semaines malgré mes relances, quel mauvais service !",
            "l'indemnisation de mon sinistre a été refusée, je conteste cette décision.",
            "une erreur de prélèvement a encore eu lieu, je demande le remboursement.",
            "l'attente à l'agence est intolérable et personne ne décroche au téléphone.",
            "mon conseiller a changé trois fois cette année, je suis mécontent.",
            "votre application ne fonctionne plus depuis la mise à jour, c'est pénible.",
        ),
        _ENDINGS,
    ),
    "competitor": (
        _SAID,
        (
            "j'ai reçu une offre plus intéressante d'une banque en ligne.",
            "un concurrent me propose un meilleur taux, pouvez-vous vous aligner ?",
            "j'ai comparé les tarifs sur un comparateur et je réfléchis à partir.",
            "ma nouvelle banque s'occupe de la mobilité bancaire et du transfert.",
            "je souhaite transférer mon épargne vers un autre établissement.",
            "quelles sont les démarches pour clôturer mes contrats ?",
        ),
        _ENDINGS,
    ),
    "fees": (
        _SAID,
        (
            "pourquoi mes frais de tenue de compte ont-ils augmenté ?",
            "la cotisation de mon assurance a encore augmenté, est-ce normal ?",
            "je trouve les frais de gestion trop élevés.",
            "des agios ont été prélevés, peut-on faire un geste commercial ?",
            "le tarif de la carte me paraît cher.",
        ),
        _ENDINGS,
    ),
    "project_home": (
        _SAID,
        (
            "projet d'achat d'un appartement, souhaite une simulation de prêt immobilier.",
            "nous cherchons une maison, quelle serait notre capacité d'emprunt ?",
            "visite d'un bien prévue, besoin d'un accord de principe.",
            "réfléchit à devenir propriétaire l'an prochain.",
        ),
        _ENDINGS,
    ),
    "project_car": (
        _SAID,
        (
            "je dois changer de voiture, quelles solutions de financement ?",
            "projet d'achat d'un véhicule électrique, demande un crédit auto.",
            "sa voiture est en fin de vie, étudie une occasion récente.",
        ),
        _ENDINGS,
    ),
    "project_retirement": (
        _SAID,
        (
            "je voudrais préparer ma retraite et réduire mes impôts.",
            "demande un bilan retraite et une simulation de versements.",
            "s'interroge sur sa retraite, à quel âge et avec quel revenu ?",
        ),
        _ENDINGS,
    ),
    "project_savings": (
        _SAID,
        (
            "j'ai une somme à placer, que me conseillez-vous ?",
            "souhaite diversifier son épargne qui dort sur le compte courant.",
            "où placer une prime sans prendre trop de risques ?",
        ),
        _ENDINGS,
    ),
    "claim": (
        ("Déclaration de sinistre : ", "Sinistre déclaré par téléphone : ", ""),
        (
            "dégât des eaux dans la cuisine.",
            "accrochage sur un parking, constat joint.",
            "bris de glace, pare-brise à remplacer.",
            "vol de vélo dans le garage, dépôt de plainte effectué.",
            "hospitalisation, demande de prise en charge.",
            "tempête, toiture endommagée.",
        ),
        ("", " Photos jointes.", " Expert demandé."),
    ),
    "review": (
        ("Bilan annuel : ", "Rendez-vous de suivi : ", "Revue du dossier : "),
        (
            "situation familiale et patrimoniale mise à jour.",
            "client satisfait de l'accompagnement, rien à signaler.",
            "point sur les contrats et les bénéficiaires.",
            "questionnaire complété, profil de risque inchangé.",
            "évoque la concurrence mais se dit fidèle.",
            "a apprécié la rapidité du règlement de son sinistre.",
        ),
        ("", " Prochain rendez-vous dans six mois.", " Documents à transmettre."),
    ),
    "routine": (
        _SAID,
        (
            "demande un relevé d'identité bancaire.",
            "mise à jour de l'adresse électronique.",
            "question sur l'attestation d'assurance.",
            "plafond de la carte à relever pour les vacances.",
            "remercie pour l'aide apportée au dossier.",
            "demande la date d'échéance de son contrat.",
            "n'arrive pas à se connecter, mot de passe réinitialisé.",
            "virement permanent à modifier.",
        ),
        _ENDINGS,
    ),
    "survey": (
        ("",),
        (
            "Très bon accueil.",
            "Conseiller à l'écoute.",
            "Trop d'attente.",
            "Correct, sans plus.",
            "Site peu pratique.",
            "Je recommande.",
            "Trop cher pour le service rendu.",
        ),
        ("",),
    ),
}

TOPICS = tuple(_TOPICS)


def _vocabulary() -> tuple[pa.Array, Ints]:
    texts: list[str] = []
    starts = [0]
    for openings, cores, closings in _TOPICS.values():
        texts += [_sentence(*parts) for parts in product(openings, cores, closings)]
        starts.append(len(texts))
    return pa.array([*texts, *HOSTILE], pa.string()), np.array(starts)


def _sentence(opening: str, core: str, closing: str) -> str:
    return opening + (core if opening else core[0].upper() + core[1:]) + closing


VOCABULARY, _STARTS = _vocabulary()


def draw_texts(rng: np.random.Generator, topic: Ints) -> Ints:
    """Draw a text of each topic (an index of TOPICS): indices into VOCABULARY, one in 3,000 hostile."""
    span = np.diff(_STARTS)[topic]
    index = _STARTS[topic] + (rng.random(topic.size) * span).astype(np.int64)
    hostile = rng.random(topic.size) < 1 / 3000
    return np.where(hostile, _STARTS[-1] + rng.integers(0, len(HOSTILE), topic.size), index)
