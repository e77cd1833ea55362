"""An identity provider is reached over TLS, and its groups give roles that there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from config.errors import ConfigurationError
from config.settings import load_settings

WHOLE: dict[str, Any] = {
    "issuer": "https://login.example.org",
    "client_id": "accordage",
    "portal_url": "https://hub.example.org",
    "groups": {"radiologists": {"roles": ["radiologist"], "projects": ["prostate"]}},
}


def load(home: Path, **changes: object):
    oidc = {name: value for name, value in {**WHOLE, **changes}.items() if value is not None}
    (home / "settings.yaml").write_text(yaml.safe_dump({"oidc": oidc}))
    return load_settings(home, {}).oidc


def test_what_is_said_is_taken_and_the_rest_is_careful(tmp_path: Path) -> None:
    oidc = load(tmp_path, portal_url="https://hub.example.org/")
    assert oidc is not None
    assert oidc.return_url == "https://hub.example.org/sign-in/oidc/return"
    assert oidc.scopes == ("openid", "profile")
    assert not oidc.groups["radiologists"].senior


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://login.example.org"},
        {"issuer": "login.example.org"},
        {"portal_url": "http://hub.example.org"},
        {"portal_url": "https://hub.example.org/portal"},
        {"client_id": ""},
        {"scopes": ["profile"]},
        {"groups": {}},
        {"groups": None},
        {"groups": {"x": {"roles": []}}},
        {"groups": {"x": {"roles": ["administrator"]}}},
        {"groups": {"x": {"roles": ["officer"], "senior": True}}},
        {"max_age_s": -1},
        {"client_secret": "written down"},
    ],
    ids=repr,
)
def test_what_would_let_others_in_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="CONFIG_INVALID"):
        load(tmp_path, **changes)


def test_http_is_for_this_machine_alone(tmp_path: Path) -> None:
    assert load(tmp_path, issuer="http://127.0.0.1:8080", portal_url="http://localhost:8765")
