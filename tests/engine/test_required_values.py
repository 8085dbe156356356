"""A required parameter that has no value ends the call before anything is sent (SEMANTICS 3.2)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

import naftiko
from naftiko.engine.capability import Unit
from naftiko.engine.explain import planned
from naftiko.engine.settings import Settings
from naftiko.ground.errors import CallError, InputError, MissingValue, NotExecutable

PEOPLE = {"people": [{"email": "ann@x", "id": "c-1"}, {"email": "bob@x"}, {"email": "eve@x", "id": None}]}
FIND = {"name": "people", "type": "call", "call": "api.people"}
WHO = {"name": "who", "type": "lookup", "index": "people.people", "match": "email", "lookupValue": "{{email}}"}
CUSTOMER = {"name": "customer_id", "type": "string", "required": True}


class Shop:
    """A capability whose ``orders`` operation needs a customer, with what was sent."""

    def __init__(
        self,
        operation: dict[str, Any],
        *,
        unit: dict[str, Any],
        kind: str = "tools",
        api: dict[str, Any] | None = None,
        mock: bool = False,
        variables: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        keys = {"path": "/orders", "method": "GET", **operation}
        resources = [
            {"path": "/people", "operations": [{"name": "people", "method": "GET"}]},
            {"path": keys.pop("path"), "operations": [{"name": "orders", **keys}]},
        ]
        consumes = {"namespace": "api", "baseUri": "http://api.test", "resources": resources, **(api or {})}
        adapter = {"type": "mcp", "namespace": "tools", kind: [{"name": "unit", "description": "d", **unit}]}
        document = {"naftiko": "1.0.0-alpha5", "consumes": [consumes], "exposes": [adapter], **more}
        self.sent: list[httpx.Request] = []
        transport = httpx.MockTransport(self._answer)
        settings = Settings(variables=variables or {}, environment={}, mock=mock, transport=lambda _: transport)
        self.capability = naftiko.loads(json.dumps(document), settings=settings)
        if kind == "resources":
            (source,) = self.capability.adapters[0].plan.resources
            self.unit = Unit(source.unit, self.capability.engine)
        else:
            (self.unit,) = self.capability.units

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/people"):
            return httpx.Response(200, json=PEOPLE)
        self.sent.append(request)
        return httpx.Response(200, json={"orders": []})


def flow(value: Any = "{{who.id}}", name: str = "customer_id", lookup: Any = WHO) -> dict[str, Any]:
    """A unit that looks somebody up and asks for the orders of what was found."""
    orders = {"name": "orders", "type": "call", "call": "api.orders", "with": {name: value}}
    return {"inputParameters": [{"name": "email", "type": "string"}], "steps": [FIND, lookup, orders]}


PLACES = {
    "query": {"inputParameters": [{**CUSTOMER, "in": "query"}]},
    "header": {"inputParameters": [{**CUSTOMER, "in": "header"}]},
    "cookie": {"inputParameters": [{**CUSTOMER, "in": "cookie"}]},
    "path": {"path": "/orders/{customer_id}/open"},
    "path that keeps slashes": {"path": "/orders/{+customer_id}"},
    "query of the path": {
        "path": "/orders?customer_id={customer_id}",
        "inputParameters": [{**CUSTOMER, "in": "query"}],
    },
    "field": {"method": "POST", "inputParameters": [{**CUSTOMER, "in": "body"}, {"name": "note", "in": "body"}]},
    "whole body": {"method": "POST", "inputParameters": [{**CUSTOMER, "in": "body", "type": "object"}]},
    "body block": {
        "method": "POST",
        "body": {"type": "json", "data": {"c": "{{customer_id}}"}},
        "inputParameters": [{**CUSTOMER, "in": "body"}],
    },
    "fixed": {"inputParameters": [{"name": "filter", "in": "query", "required": True, "value": "c={{customer_id}}"}]},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("email", ["nobody@x", "bob@x", "eve@x"])
@pytest.mark.parametrize("value", ["{{who.id}}", "$.who.id"])
async def test_a_value_that_a_step_did_not_find(place, email, value):
    """No such person, one without the field, one whose field is null: the parameter, the step and the source are told."""
    shop = Shop(PLACES[place], unit=flow(value))
    with pytest.raises(MissingValue) as caught:
        await shop.unit.run({"email": email})
    name = "filter" if place == "fixed" else "customer_id"
    assert (caught.value.names, caught.value.step, caught.value.status) == ((name,), "orders", 422)
    assert f"no value for `{name}`, which `api.orders` requires" in caught.value.detail
    assert "who.id" in caught.value.detail
    assert "`who`" in caught.value.hint
    assert not shop.sent


@pytest.mark.parametrize("place", PLACES)
async def test_a_value_that_a_step_found_is_sent(place):
    """The same calls with somebody who is there."""
    shop = Shop(PLACES[place], unit=flow())
    await shop.unit.run({"email": "ann@x"})
    (request,) = shop.sent
    assert b"c-1" in b" ".join(
        [str(request.url).encode(), request.content, *(value for _, value in request.headers.raw)]
    )


async def test_an_optional_parameter_is_left_out():
    """Only what is required ends a call."""
    shop = Shop({"inputParameters": [{"name": "customer_id", "in": "query"}]}, unit=flow())
    await shop.unit.run({"email": "nobody@x"})
    assert shop.sent[0].url.query == b""


@pytest.mark.parametrize("value", ["$.who[*].id", "{{who}}"])
async def test_a_list_of_nothing_is_nothing(value):
    """A lookup of several values that finds none is ``[]``, and ``[]`` sends no filter at all."""
    wanted = {**WHO, "lookupValue": "$.people.absent[*]"}
    operation = {"inputParameters": [{"name": "customer_id", "in": "query", "type": "array", "required": True}]}
    shop = Shop(operation, unit=flow(value, lookup=wanted))
    with pytest.raises(MissingValue, match="customer_id"):
        await shop.unit.run({"email": "x"})
    assert not shop.sent


@pytest.mark.parametrize("style", [None, "deepObject", "form"])
async def test_a_map_of_nothing_is_nothing(style):
    """``{}`` is no filter where a step should have filled it; a caller may mean it where it is sent."""
    parameter = {"name": "customer_id", "in": "query", "type": "object", "required": True}
    operation = {"inputParameters": [parameter if style is None else {**parameter, "style": style}]}
    shop = Shop(operation, unit=flow({"id": "{{who.id}}"}))
    with pytest.raises(MissingValue, match="customer_id"):
        await shop.unit.run({"email": "nobody@x"})
    assert not shop.sent
    await shop.unit.run({"email": "ann@x"})
    assert b"c-1" in shop.sent[0].url.query
    given = Shop(operation, unit={"call": "api.orders"})
    if style is None:
        await given.unit.run({"customer_id": {}})
        assert given.sent[0].url.query == b"customer_id=%7B%7D"
    else:
        with pytest.raises(InputError, match="customer_id"):
            await given.unit.run({"customer_id": {}})


@pytest.mark.parametrize(
    ("place", "given", "named"),
    [
        ("query", {}, "who"),
        ("header", {"who": None}, "who"),
        ("field", {}, "who"),
        ("path", {}, "who"),
        ("path", {"who": ""}, "who"),
    ],
)
async def test_a_callers_input_that_is_not_given_is_the_callers_fault(place, given, named):
    """An optional input that feeds a required parameter: 400, by the name that the caller knows."""
    tool = {
        "call": "api.orders",
        "with": {"customer_id": "tools.who"},
        "inputParameters": [{"name": "who", "type": "string", "required": False}],
    }
    shop = Shop(PLACES[place], unit=tool)
    with pytest.raises(InputError) as caught:
        await shop.unit.run(given)
    (problem,) = caught.value.problems
    assert problem.name == named
    assert "`api.orders` requires as `customer_id`" in problem.message
    assert not shop.sent


TENANT = {"baseUri": "http://api.test/{tenant}"}


def of_tenant(value: str) -> dict[str, Any]:
    """A step that finds the people of any tenant, and one that asks for the orders of what was found."""
    unit = flow(value, name="tenant")
    unit["steps"][0] = {**FIND, "with": {"tenant": "all"}}
    return unit


@pytest.mark.parametrize("variables", [{}, {"tenant": "other"}])
@pytest.mark.parametrize("email", ["nobody@x", "bob@x", "eve@x"])
async def test_no_variable_stands_in_for_what_a_step_did_not_find(variables, email):
    """The orders of another tenant are nobody's answer."""
    shop = Shop({}, unit=of_tenant("{{who.id}}"), api=TENANT, variables=variables)
    with pytest.raises(MissingValue) as caught:
        await shop.unit.run({"email": email})
    assert (caught.value.names, caught.value.step) == (("tenant",), "orders")
    assert not shop.sent


async def test_what_a_step_found_stands_in_the_base_uri():
    shop = Shop({}, unit=of_tenant("{{who.id}}"), api=TENANT, variables={"tenant": "other"})
    await shop.unit.run({"email": "ann@x"})
    assert [request.url.path for request in shop.sent] == ["/c-1/orders"]


@pytest.mark.parametrize(
    ("given", "variables", "path"),
    [
        ({"who": "mine"}, {"tenant": "other"}, "/mine/orders"),
        ({"who": "mine"}, {}, "/mine/orders"),
        ({}, {"tenant": "other"}, "/other/orders"),
        ({}, {}, None),
        ({"who": ""}, {}, None),
    ],
)
async def test_a_variable_stands_in_for_what_a_caller_left_out(given, variables, path):
    tool = {
        "call": "api.orders",
        "with": {"tenant": "tools.who"},
        "inputParameters": [{"name": "who", "type": "string", "required": False}],
    }
    shop = Shop({}, unit=tool, api=TENANT, variables=variables)
    if path is None:
        with pytest.raises(InputError) as caught:
            await shop.unit.run(given)
        assert [problem.name for problem in caught.value.problems] == ["who"]
    else:
        await shop.unit.run(given)
    assert [request.url.path for request in shop.sent] == ([path] if path else [])


async def test_a_whole_body_may_hold_what_is_required_of_it():
    """A required field is not looked for beside a body that the file gives as a whole; without one it lacks."""
    tool = {
        "call": "api.orders",
        "with": {"body": "tools.all"},
        "inputParameters": [{"name": "all", "type": "object", "required": False}],
    }
    fields = [{**CUSTOMER, "in": "body"}, {"name": "note", "in": "body"}]
    shop = Shop({"method": "POST", "inputParameters": fields}, unit=tool)
    await shop.unit.run({"all": {"customer_id": "c-1"}})
    assert [json.loads(request.content) for request in shop.sent] == [{"customer_id": "c-1"}]
    with pytest.raises(CallError, match="no value for `customer_id`"):
        await shop.unit.run({})
    assert len(shop.sent) == 1


async def test_all_that_lacks_is_told_together():
    """A path's placeholder and two parameters."""
    operation = {
        "path": "/orders/{id}",
        "inputParameters": [{**CUSTOMER, "in": "query"}, {"name": "X-Team", "in": "header", "required": True}],
    }
    optional = [{"name": name, "type": "string", "required": False} for name in ("id", "customer_id", "X-Team")]
    shop = Shop(operation, unit={"call": "api.orders", "inputParameters": optional})
    with pytest.raises(InputError) as caught:
        await shop.unit.run({})
    assert [problem.name for problem in caught.value.problems] == ["id", "customer_id", "X-Team"]


async def test_a_template_says_what_it_is_made_of():
    """Where no single input is the value, the template is shown."""
    tool = {
        "call": "api.orders",
        "with": {"customer_id": "c-{{who}}"},
        "inputParameters": [{"name": "who", "type": "string", "required": False}],
    }
    with pytest.raises(InputError, match=r"`customer_id`.*it comes from c-\{\{who\}\}"):
        await Shop(PLACES["query"], unit=tool).unit.run({})


async def test_an_explicit_null_is_a_value_of_a_body():
    """A caller may clear a required field; a step that found nothing may not."""
    tool = {"call": "api.orders", "inputParameters": [{"name": "customer_id", "type": ["string", "null"]}]}
    operation = {"method": "PATCH", "inputParameters": [{**CUSTOMER, "in": "body"}, {"name": "note", "in": "body"}]}
    shop = Shop(operation, unit=tool)
    await shop.unit.run({"customer_id": None})
    assert json.loads(shop.sent[0].content) == {"customer_id": None}


@pytest.mark.parametrize("place", ["query", "header", "cookie", "path", "field"])
async def test_a_default_is_sent_where_a_required_value_is_absent(place):
    """It is what the file says the value is without another one."""
    operation = json.loads(json.dumps(PLACES[place]))
    operation.setdefault("inputParameters", [{**CUSTOMER, "in": "path"}])
    operation["inputParameters"][0]["default"] = "c-0"
    shop = Shop(operation, unit=flow())
    await shop.unit.run({"email": "nobody@x"})
    (request,) = shop.sent
    assert b"c-0" in b" ".join(
        [str(request.url).encode(), request.content, *(value for _, value in request.headers.raw)]
    )


@pytest.mark.parametrize(
    ("parameters", "path", "api"),
    [
        (
            [{"name": "Authorization", "in": "header"}],
            "/orders",
            {"authentication": {"type": "bearer", "token": "t-1"}},
        ),
        (
            [{"name": "key", "in": "query"}],
            "/orders",
            {"authentication": {"type": "apikey", "key": "key", "value": "v-1", "placement": "query"}},
        ),
        ([{"name": "v", "in": "query"}], "/orders?v=1", {}),
        ([{"name": "v", "in": "query"}], "/orders", {"baseUri": "http://api.test?v=1"}),
        ([{"name": "Accept", "in": "header"}, {"name": "content-type", "in": "header"}], "/orders", {}),
    ],
)
async def test_what_the_request_has_anyway_is_not_asked_for(parameters, path, api):
    """A credential of ours, a query that stands in the file, a header that every request has."""
    tool = {"call": "api.orders", "inputParameters": [{"name": "x", "type": "string", "required": False}]}
    operation = {"path": path, "inputParameters": [{**one, "required": True} for one in parameters]}
    shop = Shop(operation, unit=tool, api=api)
    await shop.unit.run({})
    assert len(shop.sent) == 1


def test_what_nothing_can_give_a_value_is_told_at_load():
    """The unit declares its inputs, and the parameter is none of them."""
    tool = {"call": "api.orders", "inputParameters": [{"name": "limit", "type": "string", "required": False}]}
    shop = Shop(PLACES["query"], unit=tool)
    assert [found.rule for found in shop.capability.errors] == ["required-parameter"]
    with pytest.raises(NotExecutable, match="requires `customer_id`, which nothing gives a value"):
        shop.unit.request({})


async def test_a_function_and_a_resource_are_no_exception():
    """``ref`` beside ``with``, and an MCP resource."""
    function = {"name": "orders-of", "description": "d", **flow()}
    aggregates = [{"namespace": "ag", "functions": [function]}]
    shop = Shop(PLACES["query"], unit={"ref": "ag.orders-of", "with": {"email": "nobody@x"}}, aggregates=aggregates)
    with pytest.raises(MissingValue, match="customer_id"):
        await shop.unit.run({})
    resource = {"uri": "orders://{email}", "ref": "ag.orders-of"}
    shop = Shop(PLACES["query"], unit=resource, kind="resources", aggregates=aggregates)
    with pytest.raises(MissingValue, match="customer_id"):
        await shop.unit.run({"email": "nobody@x"})


async def test_a_dry_run_shows_where_the_value_comes_from():
    """Nothing was answered, so there is nothing to miss."""
    shop = Shop(PLACES["path"], unit=flow(), mock=True)
    requests = await planned(shop.capability.engine, shop.unit.plan, {"email": "x"})
    assert requests["orders"]["url"] == "http://api.test/orders/%7Bwho.id%7D/open"
