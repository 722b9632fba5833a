from django.urls import URLPattern, path

from bidding.grid import api

urlpatterns: list[URLPattern] = [
    path("grid/<str:feeder>/awareness", api.FeederAwareness.as_view(), name="grid-awareness"),
    path("grid/<str:feeder>/needs", api.FeederNeedsView.as_view(), name="grid-needs"),
    path("grid/<str:feeder>/asks", api.FeederNeedsAsks.as_view(), name="grid-asks"),
    path("grid/<str:feeder>/envelope", api.FeederEnvelope.as_view(), name="grid-envelope"),
    path("grid/<str:feeder>/switching", api.FeederSwitching.as_view(), name="grid-switching"),
    path("grid/<str:feeder>/plans", api.FeederPlans.as_view(), name="grid-plans"),
    path("plans/<int:plan_id>/accept", api.PlanDecisionView.as_view(accepted=True), name="plan-accept"),
    path("plans/<int:plan_id>/reject", api.PlanDecisionView.as_view(accepted=False), name="plan-reject"),
]
