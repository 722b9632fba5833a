"""What a market posts over HTTP: results, prices, calls on reserves."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bidding import operations
from bidding.api import KEY_HEADER
from bidding.errors import UnknownMarket
from bidding.inputs import ActivationInput, AwardsInput, CancelInput, PricesInput
from bidding.models import Market
from bidding.serializers import ActivationAnswer, AwardsAnswer, AwardSerializer, CancelAnswer, PricesAnswer
from bidding.wholesale.operations import AwardRow, CancelRow, PriceRow
from vpp.accounts.permissions import HasScope
from vpp.accounts.principals import principal_of
from vpp.accounts.requests import checked
from vpp.jobs.idempotency import idempotent
from vpp.lib import clock


def visible_market(request: Request, code: str) -> Market:
    market = Market.objects.visible_to(principal_of(request)).filter(code=code).first()
    if market is None:
        raise UnknownMarket(f"there is no market {code!r}, or it is not yours", market=code)
    return market


class MarketAwards(APIView):
    permission_classes = [HasScope("awards:write")]  # type: ignore[list-item]

    @extend_schema(request=AwardsInput, responses=AwardsAnswer, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request, code: str) -> Response:
        """The market's results, all or none; zero quantities mean not cleared.

        A row with `corrects` takes the place of the bid's earlier result of that reference, which is cancelled;
        intervals that have begun stay as they were (409 `interval_begun`).
        """
        rows = [
            AwardRow(row["bid"], row["reference"], row["up_kw"], row["down_kw"], row["price_per_mwh"], row["corrects"])
            for row in checked(AwardsInput, request.data)["awards"]
        ]
        market = visible_market(request, code)
        awards = operations.post_awards(market=market, rows=rows, at=clock.now(), actor=request.user)
        cleared = [award for award in awards if award is not None]
        taken = {award.bid_id for award in cleared}
        answer = {
            "awarded": AwardSerializer(cleared, many=True).data,
            "not_cleared": sorted(row.bid_id for row in rows if row.bid_id not in taken),
        }
        return Response(answer)


class MarketCancellations(APIView):
    permission_classes = [HasScope("awards:write")]  # type: ignore[list-item]

    @extend_schema(request=CancelInput, responses=CancelAnswer, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request, code: str) -> Response:
        """Take awards back of which no interval has begun, all or none; they are not delivered and not paid."""
        rows = [
            CancelRow(row["award"], row["reference"], row["reason"])
            for row in checked(CancelInput, request.data)["cancellations"]
        ]
        market = visible_market(request, code)
        awards = operations.cancel_awards(market=market, rows=rows, at=clock.now(), actor=request.user)
        return Response({"cancelled": AwardSerializer(awards, many=True).data})


class MarketPrices(APIView):
    permission_classes = [HasScope("awards:write")]  # type: ignore[list-item]

    @extend_schema(request=PricesInput, responses=PricesAnswer, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request, code: str) -> Response:
        """Published prices of a product; a price that is known already changes nothing."""
        content = checked(PricesInput, request.data)
        now = clock.now()
        stored = operations.post_prices(
            market=visible_market(request, code),
            product_code=content["product"],
            rows=[PriceRow(row["interval_start"], row["price"]) for row in content["prices"]],
            source=content["source"],
            available_at=min(content.get("available_at", now), now),
        )
        return Response({"stored": stored})


class MarketActivations(APIView):
    permission_classes = [HasScope("awards:write")]  # type: ignore[list-item]

    @extend_schema(request=ActivationInput, responses={201: ActivationAnswer}, parameters=[KEY_HEADER])
    @idempotent
    def post(self, request: Request, code: str) -> Response:
        """Call an awarded reserve in one interval."""
        content = checked(ActivationInput, request.data)
        activation = operations.activate(
            market=visible_market(request, code),
            award_id=content["award"],
            interval_start=content["interval_start"],
            activated_pu=content["activated_pu"],
            at=clock.now(),
            actor=request.user,
        )
        answer = ActivationAnswer(
            {
                "id": activation.pk,
                "award": activation.award_id,
                "interval_start": activation.interval_start,
                "activated_pu": activation.activated_pu,
            }
        ).data
        return Response(answer, status=status.HTTP_201_CREATED)
