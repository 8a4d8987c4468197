"""The description of the routes: complete, valid, true of what is answered; its page needs nothing from elsewhere."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from jsonschema import Draft202012Validator

from services.api.endpoints import ENDPOINTS
from services.api.examples import EXAMPLES, example_of
from services.api.pages import DOCS_FILES, SWAGGER_FILES
from services.app import make_app

PAGES = {"/", "/console/{name}", "/docs/{name}"}


@pytest.fixture(scope="module")
def document(shared) -> dict:
    return shared.get("/docs.json").json()


def resolved(document: dict, schema: dict) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


def test_it_covers_every_route_with_an_operation_of_its_own(document):
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    routes = {
        (route.path.replace(":path}", "}"), method.lower())
        for route in make_app().routes
        for method in route.methods - {"HEAD"}
        if route.path not in PAGES
    }
    assert described == routes | {("/livez", "get"), ("/readyz", "get")}
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)


def test_every_endpoint_describes_its_request_its_answer_its_errors_and_an_example(document):
    for endpoint in ENDPOINTS:
        operation = document["paths"][endpoint.path][endpoint.method.lower()]
        answer = operation["responses"]["200"]["content"]["application/json"]
        assert answer["schema"] == {"$ref": f"#/components/schemas/{endpoint.answer.__name__}"}
        resolved(document, answer["schema"]).validate(answer["example"])
        assert {"400", "401", "403", "429", "503"} <= set(operation["responses"])
        assert "Retry-After" in operation["responses"]["429"]["headers"]
        if endpoint.method == "POST":
            body = operation["requestBody"]["content"]["application/json"]
            resolved(document, body["schema"]).validate(body["example"])
        else:
            names = [parameter["name"] for parameter in operation.get("parameters", [])]
            assert names == list(endpoint.request.__struct_encode_fields__)
    assert document["components"]["securitySchemes"]["ApiKey"]["name"] == "X-API-Key"
    assert document["security"]


def test_an_example_of_a_request_is_read_as_it_stands():
    for endpoint in ENDPOINTS:
        request, answer = EXAMPLES[endpoint.name]
        assert isinstance(answer, endpoint.answer)
        if request is not None:
            assert msgspec.convert(example_of(request), endpoint.request) == request


def test_what_is_answered_is_what_is_described(document, shared):
    user = shared.get("/users?limit=1").json()["users"][0]
    item = shared.get("/history", params={"user_id": user}).json()["items"][0]["item_id"]
    calls = {
        "recommend": {"user_id": user, "explain": True, "details": True, "filter": {"category": ["no such"]}},
        "similar": {"item_id": item, "details": True},
        "events": {"events": []},
        "search": {"query": "winter", "user_id": user, "details": True},
        "chat": {"user_id": user, "message": "something for winter under 20 euros"},
        "rollback": {"to": "r1"},
        "release": {"release": "r1"},
        "history": {"user_id": user},
        "items": {"items": [{"item_id": "new", "title": "New"}]},
    }
    listed = shared.post("/recommend", json={"user_id": user}).json()["request_id"]
    calls |= {"explain": {"request_id": listed}, "why_not": {"request_id": listed, "item_id": item}}
    impossible = {"rollback", "promote", "abort"}  # one release is there, and none on trial
    for endpoint in ENDPOINTS:
        request = calls.get(endpoint.name)
        if endpoint.method == "POST":
            answer = shared.post(endpoint.path, json=request, headers={"X-Recops-Admin": "1"})
        elif endpoint.method == "DELETE":
            answer = shared.delete(endpoint.path.replace("{item_id}", "new"))
        else:
            answer = shared.get(endpoint.path, params=request)
        described = document["paths"][endpoint.path][endpoint.method.lower()]["responses"][str(answer.status_code)]
        schema = described["content"]["application/json"]["schema"]
        resolved(document, schema).validate(answer.json())
        assert answer.status_code == 200 or endpoint.name in impossible, answer.text
    refused = shared.post("/recommend", json={"user_id": ""})
    resolved(document, {"$ref": "#/components/schemas/ErrorAnswer"}).validate(refused.json())


def test_details_are_told_when_they_are_asked_for(shared):
    catalogue = shared.runtime.serving().recommender.catalogue
    for path, request in (
        ("/recommend", {"user_id": "u"}),
        ("/similar", {"item_id": catalogue.vocabulary.item_ids[3]}),
    ):
        plain = shared.post(path, json=request).json()["items"]
        detailed = shared.post(path, json=request | {"details": True}).json()["items"]
        assert not {"category", "price", "picture"} & set(plain[0])
        assert [item["item_id"] for item in detailed] == [item["item_id"] for item in plain]
        for item in detailed:
            position = catalogue.vocabulary.position(item["item_id"])
            assert item["category"] == catalogue.item_categories[position]
            assert item["price"] == pytest.approx(float(catalogue.prices[position]))
            assert len(repr(item["price"])) < 10  # 12.99, not the 32 bits of it written out
            assert item["picture"] is None


def test_what_a_list_can_be_filtered_by(shared):
    answer = shared.get("/filters").json()
    catalogue = shared.runtime.serving().recommender.catalogue
    counts = [category["n_items"] for category in answer["categories"]]
    assert {category["name"] for category in answer["categories"]} == set(catalogue.category_names)
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == int((catalogue.categories >= 0).sum())
    assert answer["n_items_with_price"] == 150
    assert answer["price_min"] < answer["price_max"]
    one = shared.get("/filters?limit=1").json()
    assert one["categories"] == answer["categories"][:1]
    assert one["n_categories"] == len(answer["categories"])


def test_the_page_of_the_routes_comes_from_here_alone(shared):
    page = shared.get("/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {f"docs/{name}" for name in (*DOCS_FILES, *SWAGGER_FILES)} == set(named) - {"data:,", "."}
    for name in named:
        if name.startswith("docs/"):
            assert shared.get(f"/{name}").status_code == 200
    assert "http" not in page.text.replace('lang="en"', "")
    assert shared.get("/docs/secret.js").status_code == 404


def test_the_description_is_json_that_names_no_machine(document):
    text = json.dumps(document)
    assert "localhost" not in text
    assert "127.0.0.1" not in text
