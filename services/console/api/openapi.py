"""The OpenAPI document: made from the route table and the models, so that it cannot say anything else than they do."""

import inspect
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import msgspec

from services.console.api.models.common import Failure
from services.console.api.route import PATH_PARTS, PREFIX, Route

VERSION: Final = "3.1.0"
JSON: Final = "application/json"
_REF: Final = "#/components/schemas/{name}"
_INCLUDES: Final = "Each scope includes those before it: view, read, operate, admin."


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The whole.

    Args:
        routes: the table.
        version: of metergate.
    """
    routes = tuple(routes)
    kinds = list(dict.fromkeys(kind for route in routes for kind in (route.answer, route.body, route.query) if kind))
    schemas, components = msgspec.json.schema_components([*kinds, Failure], ref_template=_REF)
    by_kind = dict(zip([*kinds, Failure], schemas, strict=True))
    words = f"{_words(inspect.getdoc(_models()) or '')} A request that fails is answered with a Failure. {_INCLUDES}"
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route, by_kind, components)
    return {
        "openapi": VERSION,
        "info": {"title": "metergate", "version": version, "description": words},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An API token, mg_..."},
            },
        },
    }


def _operation(route: Route, by_kind: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": _name(route),
        "summary": route.summary,
        "tags": [route.path.split("/")[1]],
        "responses": {
            str(route.status): _success(route, by_kind),
            "default": {"description": "it failed", "content": {JSON: {"schema": by_kind[Failure]}}},
        },
    }
    if route.scope is not None:
        made["security"] = [{"token": []}]
        made["description"] = f"Needs the scope {route.scope}."
    parameters = [*_path_parameters(route), *_query_parameters(route, by_kind, components)]
    if parameters:
        made["parameters"] = parameters
    if route.body is not None:
        made["requestBody"] = {"required": True, "content": {JSON: {"schema": by_kind[route.body]}}}
    return made


def _success(route: Route, by_kind: dict[Any, Any]) -> dict[str, Any]:
    schema = {"type": "string"} if route.answer is None else by_kind[route.answer]
    return {"description": route.summary, "content": {route.media: {"schema": schema}}}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": msgspec.json.schema(route.parts.get(name, PATH_PARTS.get(name, str))),
        }
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]


def _query_parameters(route: Route, by_kind: dict[Any, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = components[by_kind[route.query]["$ref"].rpartition("/")[2]]
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": _plain(kind)}
        for name, kind in schema["properties"].items()
    ]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Of a query: absent instead of null."""
    kinds = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    return kinds[0] if len(kinds) == 1 else {key: value for key, value in schema.items() if key != "default"}


def _name(route: Route) -> str:
    parts = re.sub(r"[^a-z0-9]+", "_", route.path.lower()).strip("_")
    return f"{route.method.lower()}_{parts}"


def _words(text: str) -> str:
    return " ".join(text.split())


@cache
def _models() -> Any:
    from services.console.api import models  # noqa: PLC0415  # for its words alone

    return models
