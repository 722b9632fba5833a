"""How cautious a portfolio's night is: its own setting, else its zone's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db.models import F, Q

from bidding.models import Product, RiskSetting
from bidding.wholesale.queries import OpenProduct
from vpp.enrollment.models import Portfolio

if TYPE_CHECKING:
    from bidding.kernels.problem import RiskAversion


def risk_setting(portfolio: Portfolio) -> RiskSetting | None:
    mine = Q(portfolio=portfolio) | Q(portfolio=None, zone_code=portfolio.zone_code)
    return RiskSetting.objects.filter(mine).order_by(F("portfolio").asc(nulls_last=True)).first()


def risk_aversion(portfolio: Portfolio, offers: Sequence[OpenProduct]) -> RiskAversion | None:
    """The setting with the price scenarios of the energy for sale; None for a risk-neutral portfolio."""
    from bidding.kernels.problem import RiskAversion

    setting = risk_setting(portfolio)
    energy = next((offer for offer in offers if offer.product.kind == Product.Kind.ENERGY), None)
    if setting is None or setting.beta == 0 or energy is None or energy.scenarios.shape[0] < 2:
        return None
    return RiskAversion(setting.beta, setting.alpha, energy.scenarios)
