"""The utility's desk over HTTP: awareness, needs, asks from needs, envelopes, switching, plans and decisions.

Everything is about one feeder that the caller may see; only the feeder's own utility asks, switches and decides.
"""

from __future__ import annotations

from datetime import date

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bidding.distribution.venues import distribution_market
from bidding.grid import answers, awareness, clearing, envelopes, needs
from bidding.grid.serializers import (
    DecisionInput,
    NeedsAsksInput,
    PlanInput,
    PlanSerializer,
    SwitchingInput,
    TopologySerializer,
)
from bidding.serializers import AskSerializer
from forecasting.queries import NoForecast
from vpp.accounts.models import ApiClient
from vpp.accounts.permissions import HasScope
from vpp.accounts.principals import principal_of
from vpp.accounts.requests import checked, flag
from vpp.jobs.idempotency import idempotent
from vpp.lib import clock
from vpp.lib.periods import DeliveryDay
from vpp.network import operations as network
from vpp.network.models import ClearingPlan, Feeder, TopologyVersion
from vpp.network.queries import UnknownFeeder

STEP_MINUTES = 15
DATE = OpenApiParameter("date", OpenApiTypes.DATE, required=True)
PLAN_ROWS = ("feeder", "topology")


def visible_feeder(request: Request, code: str, *, own: bool = False) -> Feeder:
    """Raises UnknownFeeder, also for a foreign one; with `own` only the feeder's utility passes."""
    principal = principal_of(request)
    feeder = Feeder.objects.visible_to(principal).select_related("utility").filter(code=code).first()
    if feeder is None:
        raise UnknownFeeder(f"there is no feeder {code!r}, or it is not yours", feeder=code)
    if own and (principal.participant is None or principal.participant.pk != feeder.utility_id):
        raise PermissionDenied("only the feeder's own utility may do this")
    return feeder


def market_day(feeder_code: str, delivery_date: date) -> DeliveryDay:
    """The day in the time zone of the feeder's distribution market. Raises UnknownMarket."""
    return DeliveryDay(delivery_date, distribution_market(feeder_code).time_zone, STEP_MINUTES)


def day_of(request: Request, feeder_code: str) -> DeliveryDay:
    try:
        return market_day(feeder_code, date.fromisoformat(request.query_params["date"]))
    except (KeyError, ValueError):
        raise ValidationError({"date": ["want YYYY-MM-DD"]}) from None


def who_is(request: Request) -> str:
    kind = "client" if isinstance(request.user, ApiClient) else "user"
    return f"{kind}:{request.user.pk}"


class FeederAwareness(APIView):
    permission_classes = [HasScope("read")]  # type: ignore[list-item]

    @extend_schema(parameters=[DATE], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, feeder: str) -> Response:
        """Load, generation, net and hidden load, flexibility, voltage and loading of a day, forecast and measured."""
        code = visible_feeder(request, feeder).code
        found = awareness.feeder_awareness(code, day_of(request, code), clock.now())
        return Response(answers.awareness_answer(found))


class FeederNeedsView(APIView):
    permission_classes = [HasScope("read")]  # type: ignore[list-item]

    @extend_schema(parameters=[DATE, OpenApiParameter("reactive", bool)], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, feeder: str) -> Response:
        """What breaks, the change that cures it, the sensitivity of each node and the best ones."""
        reactive = flag(request, "reactive")
        code = visible_feeder(request, feeder).code
        found = needs.feeder_needs(code, day_of(request, code), clock.now(), reactive_voltage=reactive)
        return Response(answers.needs_answer(found))


class FeederNeedsAsks(APIView):
    permission_classes = [HasScope("asks:write")]  # type: ignore[list-item]

    @extend_schema(request=NeedsAsksInput, responses={201: AskSerializer(many=True)})
    @idempotent
    def post(self, request: Request, feeder: str) -> Response:
        """Draft asks from the day's needs and send them."""
        content = checked(NeedsAsksInput, request.data)
        own = visible_feeder(request, feeder, own=True)
        day, at = market_day(own.code, content.pop("date")), clock.now()
        found = needs.feeder_needs(own.code, day, at, reactive_voltage=content.pop("reactive_voltage"))
        drafts = needs.draft_asks(found, **content)
        asks = needs.issue_asks(drafts, utility=own.utility, at=at, actor=request.user)
        return Response(AskSerializer(asks, many=True).data, status=status.HTTP_201_CREATED)


class FeederEnvelope(APIView):
    permission_classes = [HasScope("read")]  # type: ignore[list-item]

    @extend_schema(parameters=[DATE], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, feeder: str) -> Response:
        """How much more each node may consume and produce than forecast, all at once; 404 without a forecast."""
        code = visible_feeder(request, feeder).code
        day = day_of(request, code)
        envelope = envelopes.ensure_envelope(code, day, clock.now())
        if envelope is None:
            raise NoForecast(f"there is no forecast of feeder {code!r} for {day.date}", feeder=code)
        return Response(answers.envelope_answer(envelope))


class FeederSwitching(APIView):
    permission_classes = [HasScope("asks:write")]  # type: ignore[list-item]

    @extend_schema(responses=TopologySerializer(many=True))
    def get(self, request: Request, feeder: str) -> Response:
        """Every version of the switching state, the newest first."""
        rows = TopologyVersion.objects.filter(feeder=visible_feeder(request, feeder)).select_related("feeder")
        return Response(TopologySerializer(rows.order_by("-version")[:200], many=True).data)

    @extend_schema(request=SwitchingInput, responses={201: TopologySerializer})
    @idempotent
    def post(self, request: Request, feeder: str) -> Response:
        """Record a switching; needs, plans and envelopes made from now on use it."""
        content = checked(SwitchingInput, request.data)
        code = visible_feeder(request, feeder, own=True).code
        made = network.switch(code, content.pop("switches"), at=clock.now(), actor=request.user, **content)
        return Response(TopologySerializer(made).data, status=status.HTTP_201_CREATED)


class FeederPlans(APIView):
    permission_classes = [HasScope("asks:write")]  # type: ignore[list-item]

    @extend_schema(parameters=[DATE], responses=PlanSerializer(many=True))
    def get(self, request: Request, feeder: str) -> Response:
        """Plans of a day, the newest first."""
        own = visible_feeder(request, feeder)
        rows = ClearingPlan.objects.filter(feeder=own, delivery_date=day_of(request, own.code).date).order_by("-pk")
        rows = rows.select_related(*PLAN_ROWS).prefetch_related("bids", "decisions")[:50]
        return Response(PlanSerializer(rows, many=True).data)

    @extend_schema(request=PlanInput, responses={201: PlanSerializer})
    @idempotent
    def post(self, request: Request, feeder: str) -> Response:
        """Clear all open bids of the day, and those of other aggregators that come along, into a plan."""
        content = checked(PlanInput, request.data)
        code = visible_feeder(request, feeder, own=True).code
        plan = clearing.propose_plan(
            code,
            market_day(code, content["date"]),
            at=clock.now(),
            actor=request.user,
            foreign=[clearing.ForeignBid(**bid) for bid in content["bids"]],
            four_eyes=content["four_eyes"],
        )
        return Response(PlanSerializer(plan).data, status=status.HTTP_201_CREATED)


class PlanDecisionView(APIView):
    """POST .../accept or .../reject."""

    permission_classes = [HasScope("asks:write")]  # type: ignore[list-item]
    accepted = True

    @extend_schema(request=DecisionInput, responses=PlanSerializer)
    @idempotent
    def post(self, request: Request, plan_id: int) -> Response:
        """The utility's word; with four eyes the second acceptance must be somebody else's."""
        reason = checked(DecisionInput, request.data)["reason"]
        plan = ClearingPlan.objects.visible_to(principal_of(request)).select_related(*PLAN_ROWS).filter(pk=plan_id)
        found = plan.first()
        if found is None:
            raise network.UnknownPlan(f"there is no plan {plan_id}, or it is not yours", plan=plan_id)
        visible_feeder(request, found.feeder.code, own=True)
        decide = clearing.accept_plan if self.accepted else clearing.reject_plan
        decided = decide(found, at=clock.now(), actor=request.user, who=who_is(request), reason=reason)
        return Response(PlanSerializer(decided).data)
