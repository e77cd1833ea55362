"""The annex to a data protection impact assessment, in French, made from a policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from config.policy import Policy
from deid.explain import explain_lines
from deid.rules import resolve_policy
from deid.tables import methods

__all__ = ["annex"]

_ACTIONS = {
    "removed": "supprimé",
    "emptied": "vidé",
    "dummy value": "remplacé par une valeur neutre",
    "UID replaced": "identifiant technique remplacé",
    "subject pseudonym": "remplacé par le pseudonyme",
    "kept": "conservé",
    "text cleaned": "texte nettoyé",
    "kept; what it holds is treated": "séquence conservée, contenu traité",
    "moved with the patient": "date décalée avec le patient",
}
_ORDERS = {
    "keep": "conservé",
    "remove": "supprimé",
    "empty": "vidé",
    "dummy": "valeur neutre",
    "clean": "texte nettoyé",
}


def annex(policy: Policy) -> str:
    """Return the annex as Markdown, for the file that a hospital hands to its data officer."""
    return "\n".join(
        [
            f"# Annexe à l’analyse d’impact : dé-identification, politique `{policy.name}`",
            "",
            (
                "Ce document est produit par le programme à partir de la politique appliquée. Il "
                "décrit des mesures techniques ; l’analyse d’impact elle-même (RGPD, article 35) "
                "reste celle du responsable de traitement."
            ),
            "",
            *_nature(),
            *_options(policy),
            *_attributes(policy),
            *_own_rules(policy),
            *_measures(policy),
            *_residual_risks(policy),
        ]
    )


def _nature() -> list[str]:
    return [
        "## Nature des données après traitement",
        "",
        (
            "Les objets diffusés sont **pseudonymisés**, non anonymes (RGPD, article 4-5) : le "
            "lien entre pseudonyme et personne existe, chiffré, dans la seule zone identifiante de "
            "l’établissement. Le référentiel est le profil de base de DICOM PS3.15, annexe E."
        ),
        "",
    ]


def _options(policy: Policy) -> Iterator[str]:
    yield from ("## Options demandées", "", "| code CID 7050 | effet |", "|---|---|")
    for code in ("113100", *sorted(policy.options)):
        yield f"| {code} | {methods()[code].here_fr} |"
    yield ""
    yield (
        "Chaque objet porte en (0012,0064) les seuls codes des étapes qui ont réellement agi "
        "sur lui."
    )
    yield ""


def _attributes(policy: Policy) -> Iterator[str]:
    counts = Counter(_in_french(line.here) for line in explain_lines(policy))
    yield from (
        "## Sort des attributs listés (table E.1-1 et ajouts)",
        "",
        "| sort | attributs |",
        "|---|---|",
    )
    yield from (f"| {what} | {count} |" for what, count in counts.most_common())
    allowed = resolve_policy(policy).allowed
    yield ""
    if allowed is None:
        yield (
            "Hors de la table : conservé sans l’identité recherchée dans tout l’examen ; dates, "
            "noms, adresses et UID traités. Éléments privés : supprimés, sauf ceux réputés sûrs."
        )
    else:
        yield f"Hors de la table : supprimé, sauf {len(allowed)} attributs techniques."
    yield ""


def _in_french(here: str) -> str:
    parts = [_ACTIONS.get(part) for part in here.split(" or ")]
    known = [part for part in parts if part]
    return " ou ".join(known) if known else "supprimé (groupes entiers, éléments privés)"


def _own_rules(policy: Policy) -> Iterator[str]:
    if not policy.overrides and not policy.cleared_pixels:
        return
    yield from ("## Règles propres et images vérifiées", "", "| objet | motif |", "|---|---|")
    for own in policy.overrides:
        yield f"| {own.attribute} : {_ORDERS[own.action]} | {own.reason} |"
    for rule in policy.cleared_pixels:
        kind = " ".join((rule.modality, *rule.image_type))
        yield f"| pixels vérifiés par une personne : {kind} | {rule.reason} |"
    yield ""


def _measures(policy: Policy) -> list[str]:
    oldest = policy.oldest_age_years
    ages = "non plafonnés" if oldest is None else f"plafonnés au-delà de {oldest} ans"
    dates = {
        "113107": "reculées d’un même nombre de jours (1 à 3 650) par patient, heures conservées",
        "113106": "conservées telles quelles",
        None: "supprimées ou remplacées",
    }[resolve_policy(policy).date_option]
    return [
        "## Mesures",
        "",
        (
            "* Pseudonyme : HMAC-SHA256 à clé propre au projet ; deux projets n’ont aucun "
            "pseudonyme, aucun UID et aucun décalage de date en commun."
        ),
        f"* Dates : {dates}. Âges : {ages}.",
        (
            "* Textes libres : noms, numéros, dates et lieux relevés dans tout l’examen y sont "
            "recherchés sans égard à la casse, aux accents ni à l’ordre ; NIR, RPPS, téléphones, "
            "adresses et civilités le sont par leur forme."
        ),
        (
            "* Avant diffusion, chaque octet hors pixels est relu à la recherche de l’identité ; "
            "un objet où quelque chose subsiste est retenu, jamais diffusé."
        ),
        _PIXELS["113101" in policy.options],
        "",
    ]


_PIXELS = {
    False: (
        "* Pixels : les images à risque de texte incrusté sont retenues tant que personne "
        "ne les a vérifiées."
    ),
    True: (
        "* Pixels : le texte incrusté est lu et masqué, hors marqueurs de côté et d’incidence ; "
        "une seconde lecture doit n’y rien trouver, sinon l’image est retenue."
    ),
}
_FACES = {
    False: "un visage peut être reconstruit à partir d’un volume de la tête : aucun retrait ici",
    True: (
        "le visage est retiré des volumes TDM et IRM de la tête ou la série est retenue ; une "
        "morphologie rare peut rester reconnaissable"
    ),
}


def _residual_risks(policy: Policy) -> list[str]:
    kept = {
        "113108": "l’âge, le sexe, le poids et la taille restent : une personne rare par ces "
        "traits peut être reconnue par recoupement",
        "113109": "l’appareil est nommé : l’établissement peut se deviner",
        "113112": "l’établissement est nommé",
        "113106": "les dates réelles permettent le recoupement avec d’autres fichiers",
        "113110": "les UID d’origine permettent le retour à l’archive de l’établissement",
        "113111": "des éléments privés de constructeurs restent, sur la foi de listes publiées ou "
        "de la déclaration de leur créateur",
    }
    risks = [text for code, text in sorted(kept.items()) if code in policy.options]
    risks += [
        (
            "le nom d’un tiers qui ne figure dans aucun champ de l’examen n’est retrouvé en texte "
            "libre que par sa forme (civilité, titre)"
        ),
        _FACES["113102" in policy.options],
    ]
    return ["## Risques résiduels", "", *(f"* {text[0].upper()}{text[1:]}." for text in risks), ""]
