"""The OpenAPI document, the route table and the models are one thing."""

import asyncio
import re
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import msgspec

from services.console.api.models.session import Scope
from services.console.api.openapi import document
from services.console.api.route import PREFIX
from services.console.api.table import ROUTES
from tests.services.console.asked import Bench

DOCUMENT = msgspec.to_builtins(document(ROUTES, "1"))


def refs(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(refs, node.values()))
    return set[str]().union(*map(refs, node)) if isinstance(node, list) else set()


def test_every_route_is_in_it_and_nothing_else() -> None:
    described = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described == {(PREFIX + route.path, route.method.lower()) for route in ROUTES}
    assert len(described) == len(ROUTES), "a route stands twice"
    names = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)


def test_every_part_of_a_path_and_every_reference_is_there() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            parts = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
            assert parts == set(re.findall(r"\{(\w+)\}", path)), (path, method)
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert refs(DOCUMENT) <= known


def test_changes_need_more_than_to_see() -> None:
    everybody = {route.method + route.path for route in ROUTES if route.scope is None}
    assert everybody == {"GET/session", "POST/session", "DELETE/session", "POST/session/code", "GET/openapi.json"}
    own = {"PUT/password", "DELETE/sessions/{id}"}
    for route in ROUTES:
        if route.method != "GET" and route.method + route.path not in everybody | own:
            assert route.scope in {"operate", "admin"} or "check" in route.path, route.path
    assert {route.scope for route in ROUTES} <= {None, *get_args(Scope)}


def test_answers_are_what_it_says(tmp_path: Path) -> None:
    schemas = DOCUMENT["components"]

    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        bench.measure(1, voltage_l1=230.0)
        bench.answers(connected=True)
        bench.desk.tell("k", "x", number=1)
        await bench.ask("POST", "/tokens", {"name": "x"})
        checked = 0
        for path, methods in DOCUMENT["paths"].items():
            if "get" not in methods or "{" in path:
                continue
            success = methods["get"]["responses"]["200"]["content"]
            if set(success) != {"application/json"} or "$ref" not in success["application/json"]["schema"]:
                continue
            required = [each for each in methods["get"].get("parameters", ()) if each["required"]]
            if required:
                continue
            answer = await bench.ask("GET", path.removeprefix(PREFIX))
            schema = "#/components/schemas/Failure"
            if answer.status == 200:
                checked += 1
                schema = success["application/json"]["schema"]["$ref"]
            jsonschema_rs.validate({"$ref": schema, "components": schemas}, answer.body)
        assert checked >= 9

    asyncio.run(story())
