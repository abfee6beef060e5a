#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds control's table of routes and its kinds of problems against doc/openapi.yaml, both ways.

What the answers look like is checked by tests/e2e, against the schemas of the same file.
"""
import os
import re
import sys

import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROUTE = re.compile(r'^\s*\{"([A-Z]+)", "([^"]+)", API_ROLE_([A-Z]+), \w+\},$', re.M)
KIND = re.compile(r'^\s*\[PROBLEM_\w+\]\s*=\s*\{"([a-z-]+)",\s*(\d+),', re.M)
NAMED = re.compile(r"\(`([a-z-]+)`\)")
METHODS = ("get", "post", "put", "patch", "delete")
EVERYWHERE = {"401", "403", "408", "429", "431", "500"}  # may be the answer to anything
faults = []


def check(is_right, text):
    if not is_right:
        faults.append(text)


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def described(api):
    """{(method, path with {} for names): operation}"""
    return {(method.upper(), re.sub(r"\{\w+\}", "{}", path)): operation
            for path, item in api["paths"].items()
            for method, operation in item.items() if method in METHODS}


def check_routes(api):
    source = read("control/api_routes.c")
    table = source[source.index("api_routes[] = {"):source.index("const size_t api_route_count")]
    routes = {(method, path): role.lower() for method, path, role in ROUTE.findall(table)}
    check(len(routes) == len(re.findall(r'\{"', table)), "a row of api_routes[] is not readable")
    operations = described(api)
    for key in routes.keys() ^ operations.keys():
        check(False, f"{' '.join(key)} is only in {'the table' if key in routes else 'the file'}")
    for key in routes.keys() & operations.keys():
        operation, name = operations[key], " ".join(key)
        check(operation.get("x-role") == routes[key],
              f"{name}: the table's least role is {routes[key]}, x-role {operation.get('x-role')}")
        check("operationId" in operation and "summary" in operation, f"{name} has no words")
        check(EVERYWHERE <= operation["responses"].keys(),
              f"{name} lacks {EVERYWHERE - operation['responses'].keys()}")
        check(("requestBody" in operation) <= {"400", "413"}.issubset(operation["responses"]),
              f"{name} takes a body and lacks 400 or 413")
    ids = [operation["operationId"] for operation in operations.values()]
    check(len(set(ids)) == len(ids), "an operationId is there twice")


def kinds_of(api):
    """{kind: statuses} as the descriptions of the responses name them."""
    found = {}
    answers = [(status, answer) for operation in described(api).values()
               for status, answer in operation["responses"].items()]
    for status, answer in answers:
        if "$ref" in answer:
            answer = api["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        if "application/problem+json" in answer.get("content", {}):
            for kind in NAMED.findall(answer["description"]):
                found.setdefault(kind, set()).add(status)
    return found


def check_kinds(api):
    kinds = dict(KIND.findall(read("control/problem.c")))
    found = kinds_of(api)
    found["method-not-allowed"] = {"405"}  # to what is no operation
    listed = api["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    check({name.rpartition(":")[2] for name in listed} == set(kinds), "the enum of Problem's type")
    for kind in kinds.keys() ^ found.keys():
        check(False, f"problem {kind} is only in {'problem.c' if kind in kinds else 'the file'}")
    for kind in kinds.keys() & found.keys():
        check(found[kind] == {kinds[kind]}, f"problem {kind}: {kinds[kind]} against {found[kind]}")


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from references(item)


def check_references(api):
    used = set(references(api))
    there = {f"#/components/{kind}/{name}" for kind, items in api["components"].items()
             for name in items if kind != "securitySchemes"}
    for name in used ^ there:
        check(False, f"{name} is {'not there' if name in used else 'not used'}")


def main():
    api = yaml.safe_load(read("doc/openapi.yaml"))
    check_routes(api)
    check_kinds(api)
    check_references(api)
    print("\n".join(faults))
    print(f"{int(not faults)} passed, {int(bool(faults))} failed")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
