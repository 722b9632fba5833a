from django.urls import URLPattern, path

from bidding import api, ask_api, desk_api, market_api, whatif_api
from bidding.grid.urls import urlpatterns as grid_urlpatterns

urlpatterns: list[URLPattern] = [
    path("markets", api.MarketList.as_view(), name="markets"),
    path("markets/<str:code>/awards", market_api.MarketAwards.as_view(), name="market-awards"),
    path("markets/<str:code>/awards/cancel", market_api.MarketCancellations.as_view(), name="market-cancellations"),
    path("markets/<str:code>/prices", market_api.MarketPrices.as_view(), name="market-prices"),
    path("markets/<str:code>/activations", market_api.MarketActivations.as_view(), name="market-activations"),
    path("asks", ask_api.AskCollection.as_view(), name="asks"),
    path("asks/<path:reference>/withdraw", ask_api.AskWithdrawal.as_view(), name="ask-withdraw"),
    path("asks/<path:reference>", ask_api.AskDetail.as_view(), name="ask"),  # a reference may hold a slash
    path("bids", api.BidList.as_view(), name="bids"),
    path("bids/<int:bid_id>/accept", ask_api.BidAcceptance.as_view(), name="bid-accept"),
    path("bids/<int:bid_id>/revoke", ask_api.BidRevocation.as_view(), name="bid-revoke"),
    path("flex-contracts", ask_api.ContractList.as_view(), name="flex-contracts"),
    path("bids/<int:bid_id>/reject", ask_api.BidRejection.as_view(), name="bid-reject"),
    path("bids/<int:bid_id>/hold", desk_api.BidHold.as_view(), name="bid-hold"),
    path("bids/<int:bid_id>/release", desk_api.BidRelease.as_view(), name="bid-release"),
    path("bids/<int:bid_id>/edit", desk_api.BidEdit.as_view(), name="bid-edit"),
    path("commits", api.CommitList.as_view(), name="commits"),
    path("what-if", whatif_api.WhatIfView.as_view(), name="what-if"),
    path("book-check", api.BookCheck.as_view(), name="book-check"),
    *grid_urlpatterns,
]
