"""Markets, bids and commits over HTTP. Each view makes one call; refusals carry the codes of `bidding.errors`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, TypeVar

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bidding.errors import AmbiguousReference, UnknownBid
from bidding.inputs import DayInput
from bidding.models import Award, Bid, Market, Product
from bidding.queries import book_check
from bidding.serializers import AwardSerializer, BidSerializer, BookCheckAnswer, MarketSerializer
from vpp.accounts.pages import Pages
from vpp.accounts.principals import principal_of
from vpp.accounts.requests import check_choice, checked, flag

F = TypeVar("F", bound=Callable[..., Any])
KEY_HEADER = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="a repeat gets the first answer"
)
UTILITY = OpenApiParameter("utility", str, description="code of a utility: references are the utilities' own")
BID_ROWS = ("product__market", "portfolio", "ask", "award")


def filtered(*names: str) -> Callable[[F], F]:
    """What narrows a list, for its description."""
    kinds = {"date": date, "cancelled": bool}
    parameters = [OpenApiParameter(name, kinds.get(name, str)) for name in names]
    return extend_schema(parameters=parameters)


def check_one_utility(reference: str, utilities: Iterable[str]) -> None:
    """Raises AmbiguousReference."""
    if len(found := sorted(set(utilities))) > 1:
        raise AmbiguousReference(
            f"{' and '.join(found)} use the reference {reference!r}: choose one with ?utility=",
            reference=reference,
            utilities=found,
        )


class MarketList(ListAPIView):
    """Markets with their products, by code."""

    serializer_class = MarketSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Market]:
        products = Prefetch("products", Product.objects.order_by("code"))
        return Market.objects.visible_to(principal_of(self.request)).prefetch_related(products).order_by("code")


class BidList(ListAPIView):
    """Bids, newest delivery first."""

    serializer_class = BidSerializer
    pagination_class = Pages
    filters = {
        "market": "product__market__code",
        "date": "delivery_date",
        "state": "state",
        "ask": "ask__reference",
        "utility": "ask__utility__code",
    }

    def get_queryset(self) -> QuerySet[Bid]:
        bids = Bid.objects.visible_to(principal_of(self.request)).select_related(*BID_ROWS)
        bids = bids.prefetch_related("options")
        return narrowed(bids, self.request, self.filters).order_by("-delivery_date", "pk")

    @filtered("market", "date", "state", "ask", "utility")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class CommitList(ListAPIView):
    """Awards that stand, newest delivery first; `?cancelled=true` adds those that their market took back."""

    serializer_class = AwardSerializer
    pagination_class = Pages
    filters = {
        "market": "bid__product__market__code",
        "date": "bid__delivery_date",
        "ask": "bid__ask__reference",
        "utility": "bid__ask__utility__code",
    }

    def get_queryset(self) -> QuerySet[Award]:
        awards = Award.objects.visible_to(principal_of(self.request))
        if not flag(self.request, "cancelled"):
            awards = awards.standing()
        awards = awards.select_related(
            "bid__product__market", "bid__portfolio", "bid__ask", "ordered_option__option", "cancellation"
        )
        return narrowed(awards, self.request, self.filters).order_by("-bid__delivery_date", "pk")

    @filtered("market", "date", "ask", "utility", "cancelled")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class BookCheck(APIView):
    """The independent check of the commitment book for a day; `problems` is empty when no kilowatt is sold twice."""

    @extend_schema(
        parameters=[OpenApiParameter("date", date, OpenApiParameter.QUERY, required=True)], responses=BookCheckAnswer
    )
    def get(self, request: Request) -> Response:
        if not principal_of(request).sees_all:
            raise PermissionDenied("the commitment book is the aggregator's own")
        day = checked(DayInput, request.query_params)["date"]
        bids = Bid.objects.filter(delivery_date=day, state__in=Bid.LIVE_STATES).count()
        answer = BookCheckAnswer({"date": day, "bids": bids, "problems": book_check(day)})
        return Response(answer.data)


def narrowed(rows: QuerySet[Any], request: Request, filters: dict[str, str]) -> QuerySet[Any]:
    """Filter by the query parameters that are there; a value that cannot be read is the caller's mistake."""
    from django.core.exceptions import ValidationError
    from rest_framework.exceptions import ValidationError as BadRequest

    for name, path in filters.items():
        if value := request.query_params.get(name):
            check_choice(rows.model, path, name, value)
            try:
                rows = rows.filter(**{path: value})
            except (ValidationError, ValueError):
                raise BadRequest({name: [f"{value!r} does not fit"]}) from None
    return rows


def visible_bid(request: Request, bid_id: int) -> Bid:
    bid = Bid.objects.visible_to(principal_of(request)).filter(pk=bid_id).select_related(*BID_ROWS).first()
    if bid is None:
        raise UnknownBid(f"there is no bid {bid_id}, or it is not yours", bid=bid_id)
    return bid
