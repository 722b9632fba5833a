"""The API's operations as a page of ours, read out of the same schema that programs get."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Parameter:
    name: str
    place: str  # query, path, header or body
    kind: str
    required: bool
    meaning: str


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    summary: str
    text: str
    parameters: list[Parameter]
    answers: list[str]


@lru_cache(maxsize=1)
def operations_by_room() -> list[tuple[str, list[Operation]]]:
    """(first word of the path, its operations) in the order of the schema; made once a process."""
    from drf_spectacular.generators import SchemaGenerator

    schema = SchemaGenerator().get_schema(request=None, public=True)
    rooms: dict[str, list[Operation]] = {}
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                room = path.removeprefix("/api/v1/").split("/")[0]
                rooms.setdefault(room, []).append(_operation(schema, method, path, item[method]))
    return sorted(rooms.items())


def _operation(schema: dict[str, Any], method: str, path: str, item: dict[str, Any]) -> Operation:
    summary, _, text = item.get("description", "").partition("\n")
    parameters = [
        Parameter(one["name"], one["in"], _kind(one["schema"]), bool(one.get("required")), one.get("description", ""))
        for one in item.get("parameters", [])
    ]
    return Operation(
        method.upper(), path, item.get("summary") or summary, text.strip(), [*parameters, *_body(schema, item)],
        list(item["responses"]),
    )  # fmt: skip


def _body(schema: dict[str, Any], item: dict[str, Any]) -> list[Parameter]:
    """The fields of a JSON body, one level deep."""
    content = item.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = _resolved(schema, content.get("schema", {}))
    required = body.get("required", ())
    return [
        Parameter(name, "body", _kind(field), name in required, field.get("description", ""))
        for name, field in body.get("properties", {}).items()
        if not field.get("readOnly")
    ]


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    name = part.get("$ref", "").rpartition("/")[2]
    return schema["components"]["schemas"][name] if name else part


def _kind(part: dict[str, Any]) -> str:
    """`string (date)`, `list of number`, or the name of a type of its own."""
    if "$ref" in part:
        return part["$ref"].rpartition("/")[2]
    if part.get("allOf"):
        return _kind(part["allOf"][0])
    if part.get("type") == "array":
        return f"list of {_kind(part.get('items', {}))}"
    return f"{part.get('type', 'any')} ({part['format']})" if "format" in part else str(part.get("type", "any"))
