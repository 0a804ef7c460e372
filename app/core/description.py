"""The OpenAPI document: what the framework does not say of our routes by itself, so that generated clients fit."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.core.access import PUBLIC
from app.core.idempotency import HEADER, KEPT_FOR, StillRunning
from app.core.problems import MEDIA_TYPE, ProblemDocument, problem_responses
from app.core.routing import options_of

_SCHEMES: Final = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "an access token of a person, or an API key of an organization's client",
    },
    "device": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Device-Credential",
        "description": "the credential of a paired phone; good for an SOS",
    },
}
_KEY: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": f"a repeated request under the same key is answered, not done, again; kept for {KEPT_FOR.days} days",
}


def describe(app: FastAPI) -> None:
    """Let ``app.openapi()`` say who has to sign in, where keys can be sent, and that refusals are problem documents."""
    made_by_framework = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(made_by_framework(), app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the documented way to extend the document


def _completed(document: dict[str, Any], app: FastAPI) -> dict[str, Any]:
    components = document.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    components.setdefault("schemas", {}).update(_problem_schemas())
    for route, operation in _operations(document, app):
        if not hasattr(route.endpoint, PUBLIC):
            operation["security"] = [{"bearer": []}]
        options = options_of(route.endpoint)
        if "POST" in (route.methods or ()) and options.database and options.idempotency:
            operation["parameters"] = [*operation.get("parameters", ()), _KEY]
            _add_missing(operation["responses"], problem_responses(StillRunning))
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                _as_problem(response)
    return document


def _problem_schemas() -> dict[str, Any]:
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    schemas: dict[str, Any] = {**schema.pop("$defs", {}), ProblemDocument.__name__: schema}
    for one in schemas.values():
        for field in one["properties"].values():
            if field.get("default", ...) is None:
                del field["default"]  # as the framework writes it
    return schemas


def _operations(document: Mapping[str, Any], app: FastAPI) -> Iterator[tuple[APIRoute, dict[str, Any]]]:
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                yield route, document["paths"][route.path_format][method.lower()]


def _add_missing(responses: dict[str, Any], more: Mapping[int | str, Mapping[str, Any]]) -> None:
    for status, response in more.items():
        responses.setdefault(str(status), {"description": response["description"], "content": {MEDIA_TYPE: {}}})


def _as_problem(response: dict[str, Any]) -> None:
    """Put the schema under the media type problems are sent as; the framework puts it under that of successes."""
    response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
