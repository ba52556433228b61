#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks JSON documents against a JSON Schema that uses only the keywords below; a keyword that it does not know is an error.

Usage: schema.py SCHEMA [DOCUMENT…]     (no DOCUMENT: standard input)
"""
import json
import sys
from pathlib import Path

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int, "number": (int, float)}
KNOWN = {"$schema", "$defs", "$ref", "title", "description", "type", "enum", "const", "properties", "required", "additionalProperties", "items"}


def has_type(value, name):
    return isinstance(value, TYPES[name]) and (name in ("boolean",) or not isinstance(value, bool))


def check(value, schema, root, place):
    """Yields one text for each difference."""
    for keyword in schema.keys() - KNOWN:
        yield f"{place}: the schema has {keyword}, which this does not check"
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        yield from check(value, target, root, place)
    if "const" in schema and value != schema["const"]:
        yield f"{place}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is none of {schema['enum']}"
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    if names and not any(has_type(value, name) for name in names):
        yield f"{place}: {value!r} is no {' or '.join(names)}"
        return
    if isinstance(value, dict) and "properties" in schema:
        for name in schema.get("required", []):
            if name not in value:
                yield f"{place}: {name} is missing"
        for name, member in value.items():
            if name in schema["properties"]:
                yield from check(member, schema["properties"][name], root, f"{place}.{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{place}: {name} is not in the schema"
    if isinstance(value, list) and "items" in schema:
        for n, member in enumerate(value):
            yield from check(member, schema["items"], root, f"{place}[{n}]")


def main():
    schema = json.loads(Path(sys.argv[1]).read_text())
    documents = sys.argv[2:] or ["/dev/stdin"]
    problems = [f"{name}: {text}" for name in documents for text in check(json.loads(Path(name).read_text()), schema, schema, "$")]
    print("\n".join(problems[:20]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
