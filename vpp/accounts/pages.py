"""Lists of the API in pages: `?page=2&page_size=500`."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

LONGEST = 9  # digits


class Pages(PageNumberPagination):
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 20_000

    def get_page_size(self, request: Request) -> int | None:
        """A size that is none is refused: a caller who mistyped it would take the first hundred for all."""
        said = request.query_params.get(self.page_size_query_param, "1")
        if not (said.isascii() and said.isdecimal() and 0 < len(said.lstrip("0")) <= LONGEST):
            raise ValidationError({self.page_size_query_param: [f"{said!r} is no number from 1"]})
        return super().get_page_size(request)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for one in found:
            one["schema"] |= {"minimum": 1}
        return found
