"""Markets, bids, asks and commits over HTTP. Each view makes one call; refusals carry the codes of `bidding.errors`."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bidding import operations
from bidding.distribution.operations import AskContent
from bidding.errors import BadAsk, UnknownAsk, UnknownBid
from bidding.models import Ask, Award, Bid, FlexContract, Market, Product
from bidding.queries import book_check
from bidding.serializers import (
    AcceptInput,
    AskInput,
    AskSerializer,
    AwardSerializer,
    BidSerializer,
    BookCheckAnswer,
    DayInput,
    FlexContractSerializer,
    MarketSerializer,
    ReasonInput,
)
from vpp.accounts.models import Participant
from vpp.accounts.pages import Pages
from vpp.accounts.permissions import HasScope
from vpp.accounts.principals import principal_of
from vpp.jobs.idempotency import idempotent
from vpp.lib import clock

KEY_HEADER = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="a repeat gets the first answer"
)
BID_ROWS = ("product__market", "portfolio", "ask", "award")


def checked(serializer_class: Any, request: Request) -> dict[str, Any]:
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class MarketList(ListAPIView):
    """Markets with their products, by code."""

    serializer_class = MarketSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Market]:
        products = Prefetch("products", Product.objects.order_by("code"))
        return Market.objects.visible_to(principal_of(self.request)).prefetch_related(products).order_by("code")


class BidList(ListAPIView):
    """Bids, newest delivery first; `?market=`, `?date=`, `?state=`, `?ask=` narrow the list."""

    serializer_class = BidSerializer
    pagination_class = Pages
    filters = {"market": "product__market__code", "date": "delivery_date", "state": "state", "ask": "ask__reference"}

    def get_queryset(self) -> QuerySet[Bid]:
        bids = Bid.objects.visible_to(principal_of(self.request)).select_related(*BID_ROWS)
        bids = bids.prefetch_related("options")
        return narrowed(bids, self.request, self.filters).order_by("-delivery_date", "pk")


class CommitList(ListAPIView):
    """Awards, newest delivery first; `?market=`, `?date=`, `?ask=` narrow the list."""

    serializer_class = AwardSerializer
    pagination_class = Pages
    filters = {"market": "bid__product__market__code", "date": "bid__delivery_date", "ask": "bid__ask__reference"}

    def get_queryset(self) -> QuerySet[Award]:
        awards = Award.objects.visible_to(principal_of(self.request))
        awards = awards.select_related("bid__product__market", "bid__portfolio", "bid__ask", "ordered_option__option")
        return narrowed(awards, self.request, self.filters).order_by("-bid__delivery_date", "pk")


class BookCheck(APIView):
    """The independent check of the commitment book for a day; `problems` is empty when no kilowatt is sold twice."""

    @extend_schema(
        parameters=[OpenApiParameter("date", date, OpenApiParameter.QUERY, required=True)], responses=BookCheckAnswer
    )
    def get(self, request: Request) -> Response:
        if not principal_of(request).sees_all:
            raise PermissionDenied("the commitment book is the aggregator's own")
        wanted = DayInput(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        day = wanted.validated_data["date"]
        bids = Bid.objects.filter(delivery_date=day, state__in=Bid.LIVE_STATES).count()
        answer = BookCheckAnswer({"date": day, "bids": bids, "problems": book_check(day)})
        return Response(answer.data)


def narrowed(rows: QuerySet[Any], request: Request, filters: dict[str, str]) -> QuerySet[Any]:
    """Filter by the query parameters that are there; a value that cannot be read is the caller's mistake."""
    from django.core.exceptions import ValidationError
    from rest_framework.exceptions import ValidationError as BadRequest

    for name, path in filters.items():
        if value := request.query_params.get(name):
            try:
                rows = rows.filter(**{path: value})
            except (ValidationError, ValueError):
                raise BadRequest({name: [f"{value!r} does not fit"]}) from None
    return rows


class AskCollection(ListAPIView):
    """GET: asks, newest first. POST: a utility's ask."""

    serializer_class = AskSerializer
    pagination_class = Pages

    def get_permissions(self) -> list[Any]:
        return [HasScope("asks:write")] if self.request.method == "POST" else list(super().get_permissions())

    def get_queryset(self) -> QuerySet[Ask]:
        asks = visible_asks(self.request)
        filters = {
            "date": "delivery_date",
            "state": "state",
            "congestion_point": "congestion_point__code",
            "reference": "reference",
        }
        return narrowed(asks, self.request, filters).order_by("-created_at", "-pk")

    @extend_schema(request=AskInput, responses={201: AskSerializer, 200: AskSerializer}, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request) -> Response:
        """Ask for flexibility. 201 when new, 200 with the first ask when it is a repeat.

        A higher `revision` of a reference takes the place of the ask that is open under it.
        """
        participant = principal_of(request).participant
        if participant is None or participant.kind != Participant.Kind.UTILITY:
            raise BadAsk("only a utility asks for flexibility")
        content = AskContent(**checked(AskInput, request))
        ask, made = operations.receive_ask(utility=participant, content=content, at=clock.now(), actor=request.user)
        return Response(AskSerializer(ask).data, status=status.HTTP_201_CREATED if made else status.HTTP_200_OK)


def visible_asks(request: Request) -> QuerySet[Ask]:
    return (
        Ask.objects.visible_to(principal_of(request))
        .select_related("congestion_point", "utility")
        .prefetch_related("bids")
    )


def visible_ask(request: Request, reference: str) -> Ask:
    ask = visible_asks(request).newest_revision(reference)  # type: ignore[attr-defined]
    if ask is None:
        raise UnknownAsk(f"there is no ask {reference!r}, or it is not yours", reference=reference)
    return ask


class AskDetail(APIView):
    @extend_schema(responses=AskSerializer)
    def get(self, request: Request, reference: str) -> Response:
        return Response(AskSerializer(visible_ask(request, reference)).data)


class AskWithdrawal(APIView):
    permission_classes = [HasScope("asks:write")]  # type: ignore[list-item]

    @extend_schema(request=ReasonInput, responses=AskSerializer, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request, reference: str) -> Response:
        """Take an ask back, as long as it is not committed."""
        reason = checked(ReasonInput, request)["reason"]
        ask = visible_ask(request, reference)
        operations.withdraw_ask(ask=ask, at=clock.now(), actor=request.user, reason=reason)
        return Response(AskSerializer(visible_ask(request, reference)).data)


def visible_bid(request: Request, bid_id: int) -> Bid:
    bid = Bid.objects.visible_to(principal_of(request)).filter(pk=bid_id).select_related(*BID_ROWS).first()
    if bid is None:
        raise UnknownBid(f"there is no bid {bid_id}, or it is not yours", bid=bid_id)
    return bid


class BidAcceptance(APIView):
    permission_classes = [HasScope("asks:write")]  # type: ignore[list-item]

    @extend_schema(request=AcceptInput, responses={201: AwardSerializer}, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request, bid_id: int) -> Response:
        """Order the bid or one of its options, whole or in part: the commit. A repeat gets the first commit."""
        order = checked(AcceptInput, request)
        bid = visible_bid(request, bid_id)
        award = operations.accept_bid(bid=bid, at=clock.now(), actor=request.user, **order)
        return Response(AwardSerializer(award).data, status=status.HTTP_201_CREATED)


class BidRevocation(APIView):
    permission_classes = [HasScope("awards:write")]  # type: ignore[list-item]

    @extend_schema(request=ReasonInput, responses=BidSerializer, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request, bid_id: int) -> Response:
        """The aggregator takes a bid on an ask back that was not ordered; its kilowatts are free again."""
        if not principal_of(request).sees_all:
            raise PermissionDenied("only the aggregator revokes its bids")
        reason = checked(ReasonInput, request)["reason"]
        bid = visible_bid(request, bid_id)
        operations.revoke_bid(bid=bid, at=clock.now(), actor=request.user, reason=reason)
        return Response(BidSerializer(visible_bid(request, bid_id)).data)


class ContractList(ListAPIView):
    """Standing contracts that the caller may see."""

    serializer_class = FlexContractSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[FlexContract]:
        contracts = FlexContract.objects.visible_to(principal_of(self.request))
        return contracts.select_related("congestion_point", "utility").order_by("contract_id")


class BidRejection(APIView):
    permission_classes = [HasScope("asks:write")]  # type: ignore[list-item]

    @extend_schema(request=ReasonInput, responses=BidSerializer, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request, bid_id: int) -> Response:
        """Decline the bid; its kilowatts are free again."""
        reason = checked(ReasonInput, request)["reason"]
        bid = visible_bid(request, bid_id)
        operations.reject_bid(bid=bid, at=clock.now(), actor=request.user, reason=reason)
        return Response(BidSerializer(visible_bid(request, bid_id)).data)
