#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds control's table of routes, its kinds of problems and which of them each handler gives against
doc/openapi.yaml, both ways.

What the answers look like is checked by tests/e2e, against the schemas of the same file.
"""
import glob
import os
import re
import sys

import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROUTE = re.compile(r'^\s*\{"([A-Z]+)", "([^"]+)", API_ROLE_([A-Z]+), (\w+)\},$', re.M)
KIND = re.compile(r'^\s*\[(PROBLEM_\w+)\]\s*=\s*\{"([a-z-]+)",\s*(\d+),', re.M)
FUNCTION = re.compile(r"^(?:[a-z][\w *]*?[ *])(\w+)\([^;{]*?\)\n\{\n(.*?)^\}", re.M | re.S)
WORD = re.compile(r"[A-Za-z_]\w*")
NAMED = re.compile(r"\(`([a-z-]+)`\)")
METHODS = ("get", "post", "put", "patch", "delete")
EVERYWHERE = {"401", "403", "408", "429", "431", "500"}  # may be the answer to anything
KEY = "#/components/parameters/IdempotencyKey"
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
    routes = {(method, path): role.lower() for method, path, role, _ in ROUTE.findall(table)}
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
    kinds = {name: status for _, name, status in KIND.findall(read("control/problem.c"))}
    found = kinds_of(api)
    found["method-not-allowed"] = {"405"}  # to what is no operation
    listed = api["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    check({name.rpartition(":")[2] for name in listed} == set(kinds), "the enum of Problem's type")
    for kind in kinds.keys() ^ found.keys():
        check(False, f"problem {kind} is only in {'problem.c' if kind in kinds else 'the file'}")
    for kind in kinds.keys() & found.keys():
        check(found[kind] == {kinds[kind]}, f"problem {kind}: {kinds[kind]} against {found[kind]}")


class Sources:
    """Control's functions, each with the words of its body."""

    def __init__(self):
        self.functions = {}  # {name: {file: words}}
        for path in glob.glob(os.path.join(TOP, "control", "*.c")):
            for name, body in FUNCTION.findall(read(path)):
                self.functions.setdefault(name, {})[path] = set(WORD.findall(body))

    def words(self, name, path=None, is_local=False, seen=None):
        """Those of a function, and of all that it names: of its own file, or of any."""
        there, seen = self.functions.get(name, {}), set() if seen is None else seen
        if path not in there:
            path = None if is_local and seen else next(iter(there), None)
        if path is None or (name, path) in seen:
            return set()
        seen.add((name, path))
        found = set(there[path])
        for word in there[path]:
            found |= self.words(word, path, is_local, seen)
        return found


def check_statuses(api):
    """What a handler's own file says is in the file; what that promises is somewhere below the handler.
    Too long a body is refused before."""
    status_of = {kind: status for kind, _, status in KIND.findall(read("control/problem.c"))}
    status_of["STATUS_UNAVAILABLE"] = "503"
    operations, sources = described(api), Sources()
    by_key = {status_of[word] for word in sources.words("idempotency_run", is_local=True)
              if word in status_of} - EVERYWHERE
    check(by_key, "nothing is refused by its key")
    for method, path, _, handler in ROUTE.findall(read("control/api_routes.c")):
        responses = operations.get((method, path), {"responses": {}})["responses"].keys()
        own, below = ({status_of[word] for word in sources.words(handler, is_local=local)
                       if word in status_of} - EVERYWHERE for local in (True, False))
        if method in ("POST", "PATCH", "DELETE"):
            check(KEY in references(operations.get((method, path))),
                  f"{method} {path} does not take an Idempotency-Key")
            own, below = own | by_key, below | by_key
        check(below or own or handler in sources.functions, f"there is no handler {handler}")
        check(own <= responses, f"{method} {path} may be answered {sorted(own - responses)}")
        said = {status for status in responses if status[0] in "45"} - EVERYWHERE
        never = said - below - ({"413"} if "400" in responses else set())
        check(not never, f"{method} {path} is never answered {sorted(never)}")


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
    check_statuses(api)
    check_references(api)
    print("\n".join(faults))
    print(f"{int(not faults)} passed, {int(bool(faults))} failed")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
