# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds answers of control's API against doc/openapi.yaml: status, content type, fields."""
import functools
import os
import re

import jsonschema
import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def nullable(node):
    """OpenAPI 3.0's nullable in JSON schema's words."""
    if isinstance(node, list):
        return [nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: nullable(value) for key, value in node.items()}
    if node.pop("nullable", False) is True:
        node = {"anyOf": [node, {"type": "null"}]}
    return node


@functools.lru_cache
def api():
    with open(os.path.join(TOP, "doc/openapi.yaml"), encoding="utf-8") as file:
        described = yaml.safe_load(file)
    described["components"] = nullable(described["components"])
    return described


@functools.lru_cache
def operations():
    """[(method, pattern, operation)]"""
    return [(method.upper(), re.compile(re.sub(r"\{\w+\}", r"[^/]+", path) + r"(\?.*)?"), operation)
            for path, item in api()["paths"].items()
            for method, operation in item.items() if method != "parameters"]


@functools.lru_cache
def contents(method, path, status):
    """{content type: validator} of what may be answered; None when nothing is said of it."""
    found = [o for m, pattern, o in operations() if m == method and pattern.fullmatch(path)]
    if not found:  # no route: 404 or 405
        assert status in (401, 403, 404, 405, 429), f"{status} for {method} {path}, which is no operation"
        response = {"$ref": "#/components/responses/NotFound"}
    else:
        assert str(status) in found[0]["responses"], \
            f"{method} {path} is answered {status}, which doc/openapi.yaml does not say"
        response = found[0]["responses"][str(status)]
    if "$ref" in response:
        response = api()["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return {kind: jsonschema.Draft4Validator(
        {**nullable(content["schema"]), "components": api()["components"]})
            for kind, content in response["content"].items()}


def check(method, path, status, answer, content_type):
    said = contents(method, path, status)
    assert content_type in said, f"{method} {path}: {content_type} for {status}"
    said[content_type].validate(answer)
