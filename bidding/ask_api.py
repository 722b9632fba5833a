"""Asks, their answers and standing contracts over HTTP; each view makes one call."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bidding import operations
from bidding.api import KEY_HEADER, UTILITY, check_one_utility, filtered, narrowed, visible_bid
from bidding.distribution.operations import AskContent
from bidding.errors import BadAsk, UnknownAsk, WrongState
from bidding.inputs import AcceptInput, AskInput, ReasonInput
from bidding.models import Ask, Award, Bid, FlexContract
from bidding.serializers import AskSerializer, AwardSerializer, BidSerializer, FlexContractSerializer
from vpp.accounts.models import Participant
from vpp.accounts.pages import Pages
from vpp.accounts.permissions import HasScope
from vpp.accounts.principals import principal_of
from vpp.accounts.requests import checked
from vpp.jobs.idempotency import idempotent
from vpp.lib import clock


class AskCollection(ListAPIView):
    """GET: asks, newest first. POST: a utility's ask."""

    serializer_class = AskSerializer
    pagination_class = Pages
    filters = {
        "date": "delivery_date",
        "state": "state",
        "congestion_point": "congestion_point__code",
        "reference": "reference",
        "utility": "utility__code",
    }

    def get_permissions(self) -> list[Any]:
        return [HasScope("asks:write")] if self.request.method == "POST" else list(super().get_permissions())

    def get_queryset(self) -> QuerySet[Ask]:
        asks = visible_asks(self.request)
        return narrowed(asks, self.request, self.filters).order_by("-created_at", "-pk")

    @filtered("date", "state", "congestion_point", "reference", "utility")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Asks, newest first, of all revisions."""
        return super().get(request, *args, **kwargs)

    @extend_schema(request=AskInput, responses={201: AskSerializer, 200: AskSerializer}, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request) -> Response:
        """Ask for flexibility. 201 when new, 200 with the first ask when it is a repeat.

        A higher `revision` of a reference takes the place of the ask that is open under it.
        """
        participant = principal_of(request).participant
        if participant is None or participant.kind != Participant.Kind.UTILITY:
            raise BadAsk("only a utility asks for flexibility")
        content = AskContent(**checked(AskInput, request.data))
        ask, made = operations.receive_ask(utility=participant, content=content, at=clock.now(), actor=request.user)
        return Response(AskSerializer(ask).data, status=status.HTTP_201_CREATED if made else status.HTTP_200_OK)


def visible_asks(request: Request) -> QuerySet[Ask]:
    return (
        Ask.objects.visible_to(principal_of(request))
        .select_related("congestion_point", "utility")
        .prefetch_related("bids")
    )


def visible_ask(request: Request, reference: str) -> Ask:
    """The last revision, of the utility that `?utility=` names. Raises UnknownAsk or AmbiguousReference."""
    asks = narrowed(visible_asks(request), request, {"utility": "utility__code"})
    found = asks.newest_revisions(reference)  # type: ignore[attr-defined]
    if not found:
        raise UnknownAsk(f"there is no ask {reference!r}, or it is not yours", reference=reference)
    check_one_utility(reference, [ask.utility.code for ask in found])
    return found[0]


def check_asker(request: Request, ask: Ask) -> Participant:
    """The utility that asked. Raises PermissionDenied for everybody else, also for our own staff who see the ask."""
    participant = principal_of(request).participant
    if participant is None or participant.pk != ask.utility_id:
        raise PermissionDenied("only the utility that asked may do this")
    return participant


def own_bid(request: Request, bid_id: int) -> tuple[Bid, Participant]:
    """A bid on an ask of the caller's, and the caller."""
    bid = visible_bid(request, bid_id)
    if bid.ask is None:
        raise WrongState(f"{bid} answers no ask", bid=bid.natural_key)
    return bid, check_asker(request, bid.ask)


class AskDetail(APIView):
    @extend_schema(responses=AskSerializer, parameters=[UTILITY])
    def get(self, request: Request, reference: str) -> Response:
        """The ask; 409 `ambiguous_reference` where asks of several utilities carry the reference."""
        return Response(AskSerializer(visible_ask(request, reference)).data)


class AskWithdrawal(APIView):
    permission_classes = [HasScope("asks:write")]  # type: ignore[list-item]

    @extend_schema(request=ReasonInput, responses=AskSerializer, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request, reference: str) -> Response:
        """Take an ask back, as long as it is not committed."""
        reason = checked(ReasonInput, request.data)["reason"]
        ask = visible_ask(request, reference)
        check_asker(request, ask)
        operations.withdraw_ask(ask=ask, at=clock.now(), actor=request.user, reason=reason)
        return Response(AskSerializer(visible_ask(request, reference)).data)


class BidAcceptance(APIView):
    permission_classes = [HasScope("asks:write")]  # type: ignore[list-item]

    @extend_schema(request=AcceptInput, responses={201: AwardSerializer}, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request, bid_id: int) -> Response:
        """Order the bid or one of its options, whole or in part: the commit. A repeat gets the first commit."""
        order = checked(AcceptInput, request.data)
        bid, utility = own_bid(request, bid_id)
        if order["reference"]:
            order["reference"] = Award.reference_by(utility.code, order["reference"])
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
        reason = checked(ReasonInput, request.data)["reason"]
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
        reason = checked(ReasonInput, request.data)["reason"]
        bid, _utility = own_bid(request, bid_id)
        operations.reject_bid(bid=bid, at=clock.now(), actor=request.user, reason=reason)
        return Response(BidSerializer(visible_bid(request, bid_id)).data)
