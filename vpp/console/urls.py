"""Routes of the console, at the root."""

from django.contrib.auth import views as auth_views
from django.urls import URLPattern, URLResolver, include, path

from vpp.console.views import asks, bids, fleet, grid, operate, payouts, settlement, system, utility

pages = [
    path("", operate.home, name="home"),
    path("day/", operate.day_index, name="days"),
    path("day/<str:code>/<str:delivery_date>/", operate.day_view, name="day"),
    path("bids/", bids.bid_board, name="bids"),
    path("bids/<int:bid_id>/withdraw/", bids.withdraw, name="bid_withdraw"),
    path("bids/<int:bid_id>/answer/<str:answer>/", utility.answer_bid, name="answer_bid"),
    path("bids/<str:code>/<str:delivery_date>/", bids.portfolio_bids, name="portfolio_bids"),
    path("asks/", asks.ask_board, name="asks"),
    path("asks/new/", utility.new_ask, name="new_ask"),
    path("asks/<path:reference>/withdraw/", utility.withdraw_ask, name="withdraw_ask"),
    path("asks/<path:reference>/", asks.ask_page, name="ask"),
    path("fleet/", fleet.device_table, name="fleet"),
    path("fleet/change/<str:change>/", fleet.change_devices, name="change_devices"),
    path("fleet/device/<path:code>/opt-out/", fleet.opt_out, name="opt_out"),
    path("fleet/device/<path:code>/", fleet.device_page, name="device"),
    path("reports/", utility.reports, name="reports"),
    path("grid/", grid.feeder_table, name="grid"),
    path("grid/<path:code>/", grid.feeder_page, name="feeder"),
    path("system/", system.overview, name="system"),
    path("system/jobs/<int:job_id>/retry/", system.retry_job, name="retry_job"),
    path("system/audit/", system.audit_trail, name="audit"),
    path("settlement/", settlement.run_list, name="settlement"),
    path("settlement/<int:run_id>/", settlement.run_page, name="settlement_run"),
    path("settlement/awards/<int:performance_id>/", settlement.award_page, name="settled_award"),
    path("ledger/", settlement.ledger_page, name="ledger"),
    path("payouts/", payouts.payout_list, name="payouts"),
    path("payouts/<int:payout_id>/", payouts.payout_trace, name="payout"),
    path("api/v1/docs", operate.api_reference, name="api"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("login/", auth_views.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("", include((pages, "console"))),
]
