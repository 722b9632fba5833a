"""A trader's hand on a bid over HTTP: hold, release, edit. Each needs the scope "bids:write" and a reason."""

from __future__ import annotations

from collections.abc import Callable

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bidding import operations
from bidding.api import KEY_HEADER, visible_bid
from bidding.inputs import BidEditInput, NeededReasonInput
from bidding.models import Bid
from bidding.serializers import BidSerializer
from vpp.accounts.permissions import HasScope
from vpp.accounts.principals import principal_of
from vpp.accounts.requests import checked
from vpp.jobs.idempotency import idempotent
from vpp.lib import clock


def own_bid(request: Request, bid_id: int) -> Bid:
    """The bid, for the aggregator's own people and programs only: whoever receives a bid does not hold it."""
    if not principal_of(request).sees_all:
        raise PermissionDenied("bids are the aggregator's own")
    return visible_bid(request, bid_id)


class BidMove(APIView):
    """One move of a bid, for a reason."""

    permission_classes = [HasScope("bids:write")]  # type: ignore[list-item]

    def moved(self, request: Request, bid_id: int, move: Callable[..., object]) -> Response:
        reason = checked(NeededReasonInput, request.data)["reason"]
        move(bid=own_bid(request, bid_id), at=clock.now(), actor=request.user, reason=reason)
        return Response(BidSerializer(visible_bid(request, bid_id)).data)


class BidHold(BidMove):
    @extend_schema(request=NeededReasonInput, responses=BidSerializer, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request, bid_id: int) -> Response:
        """Keep the bid back before its gate; its kilowatts stay claimed."""
        return self.moved(request, bid_id, operations.hold_bid)


class BidRelease(BidMove):
    @extend_schema(request=NeededReasonInput, responses=BidSerializer, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request, bid_id: int) -> Response:
        """Let a held bid go to its market."""
        return self.moved(request, bid_id, operations.release_bid)


class BidEdit(APIView):
    permission_classes = [HasScope("bids:write")]  # type: ignore[list-item]

    @extend_schema(request=BidEditInput, responses=BidSerializer, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request, bid_id: int) -> Response:
        """The bid's next version, checked by product rules, book and devices; 409 when it cannot be delivered."""
        content = checked(BidEditInput, request.data)
        change = operations.BidChange(
            up_kw=content.get("up_kw"),
            down_kw=content.get("down_kw"),
            price_per_mwh=content.get("price_per_mwh"),
            curve=content.get("curve"),
            blocks=[dict(block) for block in content["blocks"]] if "blocks" in content else None,
        )
        made = operations.edit_bid(
            bid=own_bid(request, bid_id), at=clock.now(), actor=request.user, reason=content["reason"], change=change
        )
        return Response(BidSerializer(visible_bid(request, made.pk)).data)
