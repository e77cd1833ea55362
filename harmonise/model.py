"""A fitted model: what a cohort taught the fitted steps of a recipe, frozen, named by its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.errors import ConfigurationError
from harmonise.encode.private import canonical_json
from harmonise.series import Role

__all__ = ["FORMAT", "Model", "kind_of", "model_from_bytes"]

FORMAT = "accordage-model/1"


@dataclass(frozen=True)
class Model:
    """What was fitted, and over whom.

    Parameters
    ----------
    recipe : str
        Name of the recipe.
    fit_key : str
        Hash of everything in the recipe that the fit depends on.
    kinds : mapping
        Kind of volume (`kind_of`) -> ``step``, ``version``, ``params``, ``fitted``, ``subjects``,
        ``images`` and ``cells`` (site, vendor, subjects, images, weight). No identity.
    inputs_sha256 : str
        Digest of every measurement the fit was made from.
    """

    recipe: str
    fit_key: str
    kinds: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    inputs_sha256: str = ""

    def to_bytes(self) -> bytes:
        """Return the model as canonical JSON, the bytes of which the hash is taken."""
        return canonical_json(
            {
                "format": FORMAT,
                "recipe": self.recipe,
                "fit_key": self.fit_key,
                "kinds": dict(self.kinds),
                "inputs_sha256": self.inputs_sha256,
            }
        )

    @property
    def hash(self) -> str:
        """Return the SHA-256 (hex) that names the model in keys, UIDs, provenance and manifests."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def fitted(self, kind: str) -> dict[str, Any] | None:
        """Return what was fitted for a kind of volume; None where nothing was."""
        entry = self.kinds.get(kind)
        return entry["fitted"] if entry else None


def kind_of(role: Role) -> str:
    """Return the kind of volume a model holds one fit for: role, and b-value or view."""
    name = f"{role.name}_{role.view.lower()}" if role.view else role.name
    return name if role.b_value is None else f"{name}_b{role.b_value:g}"


def model_from_bytes(data: bytes) -> Model:
    """Return a model read back.

    Raises
    ------
    ConfigurationError
        ``MODEL_UNREADABLE`` when the bytes are no model, or were changed by hand.
    """
    try:
        raw = json.loads(data)
        known = raw.pop("format") == FORMAT
        model = Model(**raw)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError("MODEL_UNREADABLE", type(error).__name__) from error
    if not known or model.to_bytes() != data.strip():
        raise ConfigurationError("MODEL_UNREADABLE", "not in the form it was written in")
    return model
