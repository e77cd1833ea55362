"""Pages: templates filled in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from config.codes import codes
from pipelines.cohort.roles import role_label
from portal.guard import SECURITY_HEADERS
from portal.language import Language, asked_language, language_of, texts

__all__ = ["Pages"]


class Pages:
    """The templates, loaded once for an application.

    Parameters
    ----------
    form_token : callable
        Returns the token that the forms of a request's page send back.
    provider : str, optional
        What the button of the identity provider says; none has no button.
    """

    def __init__(self, form_token: Callable[[Request], str], provider: str | None = None) -> None:
        self._form_token = form_token
        self._environment = Environment(
            loader=PackageLoader("portal", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["provider"] = provider

    def page(
        self, request: Request, name: str, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """Return a page; links keep the language when the address asked for one."""
        language = language_of(request)
        asked = asked_language(request)
        html = self._environment.get_template(f"{name}.html").render(
            t=texts(language),
            language=language,
            other="en" if language == "fr" else "fr",
            keep=f"?lang={asked}" if asked else "",
            asked=asked,
            person=getattr(request.state, "person", None),
            form_token=self._form_token(request),
            explain=lambda code: _said(code, language),
            role_label=lambda role: role_label(role, language),
            **values,
        )
        return HTMLResponse(html, status_code=status, headers={"content-language": language})

    def problem(self, request: Request, status: int, code: str | None = None) -> HTMLResponse:
        """Return an error page: what happened and what to do, nothing of the inside."""
        language = language_of(request)
        text = texts(language)
        lines = _said(code, language) or [text.get(f"error_{status}", text["error_400"])]
        response = self.page(request, "problem", status=status, lines=lines)
        # Answers to defects are made outside the guard and need its headers here.
        response.headers.update(SECURITY_HEADERS)
        return response


def _said(code: str | None, language: Language) -> list[str]:
    """Return what a code says and what to do, nothing for a code that is not in the table."""
    said = codes().get(code or "")
    if said is None:
        return []
    return [said.fr, said.next_fr] if language == "fr" else [said.en, said.next_en]
