"""What a trader types: a change of a bid, and a battery to think about."""

from __future__ import annotations

from typing import Any

import numpy as np
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bidding.models import Bid
from bidding.operations.desk import BidChange
from bidding.operations.desk_window import window_change
from vpp.console.ask_form import STEP_MINUTES, in_reach
from vpp.console.block_lines import blocks_of_lines
from vpp.console.day_window import window
from vpp.console.numbers import NumberField


def _time(label: Any, **extra: Any) -> forms.TimeField:
    return forms.TimeField(label=label, widget=forms.TextInput(attrs={"type": "time", "step": 900}), **extra)


class EditForm(forms.Form):
    """Another quantity or limit price in a window of the delivery day."""

    begins = _time(_("From"), initial="00:00")
    ends = _time(_("Until"), initial="00:00", help_text=_("00:00 is the end of the day"))
    quantity_pct = NumberField(
        min_value=0,
        max_value=1000,
        initial=100,
        label=_("Quantity, % of what is bid now"),
        help_text=_("0 takes it out"),
    )
    price = NumberField(
        required=False, label=_("New limit price, EUR/MWh"), help_text=_("for reserve EUR/MW/h; empty keeps it")
    )
    reason = forms.CharField(max_length=500, label=_("Reason, kept in the audit trail"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and data["quantity_pct"] == 100 and data["price"] is None:
            raise ValidationError(_("Nothing is changed yet: type another quantity or a price."))
        return data

    def change_of(self, bid: Bid, zone: str) -> BidChange:
        """The change, laid on the day's quarter hours. Raises ValueError where the window is empty, BelowMinimum
        where it cuts a block of a curve."""
        data = self.cleaned_data
        inside = window(bid.delivery_date, zone, data["begins"], data["ends"], len(bid.up_kw))
        return window_change(bid, inside.tolist(), factor=data["quantity_pct"] / 100.0, price=data["price"])


class BlockForm(forms.Form):
    """An exclusive group, a block on each line."""

    blocks = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        label=_("Blocks, one on each line"),
        help_text=_(
            "Name, from-until, kW (bought with a minus), limit price: B1 18:00-21:00 500 80. A loop has both runs."
        ),
    )
    reason = forms.CharField(max_length=500, label=_("Reason, kept in the audit trail"))

    def change_of(self, bid: Bid, zone: str) -> BidChange:
        """Raises ValueError for a line that cannot be read."""
        return BidChange(blocks=blocks_of_lines(self.cleaned_data["blocks"], bid.delivery_date, zone))


class PricedForm(forms.Form):
    """Asks whose prices are meant."""

    product = forms.ChoiceField(label=_("Prices of"))

    def __init__(self, products: list[tuple[int, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["product"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = products
        if not products:
            choice.help_text = _("No energy market yet: manage.py import_markets FILE takes one in.")


class WhatIfForm(PricedForm):
    """A battery on a day's prices."""

    delivery_date = forms.DateField(
        label=_("Delivery day"), widget=forms.TextInput(attrs={"type": "date"}), validators=[in_reach]
    )
    power_kw = NumberField(min_value=0.1, max_value=1e6, initial=1000, label=_("Power, kW"))
    capacity_kwh = NumberField(min_value=0.1, max_value=1e7, initial=2000, label=_("Capacity, kWh"))
    efficiency_pct = NumberField(min_value=1, max_value=100, initial=90, label=_("There and back, %"))
    wear_per_mwh = NumberField(min_value=0, initial=20, label=_("Wear, EUR per MWh given"))
    import_fee_per_mwh = NumberField(min_value=0, initial=0, label=_("Fee on charging, EUR/MWh"))
    blocks = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        label=_("Blocks to choose from, one on each line"),
        help_text=_("At most one is offered beside the rest: B1 18:00-21:00 500 80; may be left out"),
    )

    def document(self, price_per_mwh: list[float], block_minutes: int, zone: str) -> dict[str, Any]:
        """The what-if file of docs/bid.md, section 8, for one battery; half full at both ends of the day.

        Raises ValueError for a block that cannot be read.
        """
        data = self.cleaned_data
        one_way = float(np.sqrt(data["efficiency_pct"] / 100.0))
        half = data["capacity_kwh"] / 2.0
        battery = {
            "name": "battery", "feeder": "grid", "charge_kw": data["power_kw"], "discharge_kw": data["power_kw"],
            "energy_min_kwh": 0.0, "energy_max_kwh": data["capacity_kwh"], "energy_start_kwh": half,
            "energy_end_kwh": half, "end_rule": "at_least", "charge_efficiency": one_way,
            "discharge_efficiency": one_way, "retention": 1.0, "wear_per_mwh": data["wear_per_mwh"],
            "availability": None, "draw_kwh": None,
        }  # fmt: skip
        return {
            "interval_minutes": STEP_MINUTES, "intervals": len(price_per_mwh) * block_minutes // STEP_MINUTES,
            "currency": "EUR", "probability": [1.0], "position_limit_kw": data["power_kw"], "imbalance": None,
            "energy": {
                "mtu_minutes": block_minutes, "price_per_mwh": [price_per_mwh], "min_quantity_kw": 0.0, "curve": False,
                "import_fee_per_mwh": data["import_fee_per_mwh"],
            },
            "blocks": self._blocks(block_minutes, zone),
            "reserves": [], "storages": [battery], "generation": [], "asks": [], "risk": {"beta": 0.0, "alpha": 0.95},
            "feeders": [{"name": "grid", "export_limit_kw": data["power_kw"], "import_limit_kw": data["power_kw"]}],
        }  # fmt: skip

    def _blocks(self, block_minutes: int, zone: str) -> list[dict[str, Any]]:
        """As the file has them, by the product's block."""
        each, found = block_minutes // STEP_MINUTES, []
        for block in blocks_of_lines(self.cleaned_data["blocks"], self.cleaned_data["delivery_date"], zone):
            net_kw = np.subtract(block.pop("up_kw"), block.pop("down_kw")).reshape(-1, each)
            if np.ptp(net_kw, axis=1).any():
                raise ValueError(
                    gettext("%(name)s begins or ends within a market time unit.") % {"name": block["name"]}
                )
            found.append(block | {"group": "console", "position_kw": net_kw[:, 0].tolist()})
        return found


class ReplayForm(PricedForm):
    """Past days of a product's prices, and the battery that bids on them."""

    first = forms.DateField(label=_("From"), widget=forms.TextInput(attrs={"type": "date"}), validators=[in_reach])
    last = forms.DateField(label=_("Until"), widget=forms.TextInput(attrs={"type": "date"}), validators=[in_reach])
    power_kw = NumberField(min_value=0.1, max_value=1e6, initial=1000, label=_("Power, kW"))
    energy_kwh = NumberField(min_value=0.1, max_value=1e7, initial=2000, label=_("Capacity, kWh"))
    wear_per_mwh = NumberField(min_value=0, initial=2, label=_("Wear, EUR per MWh moved"))

    def battery(self) -> dict[str, float]:
        return {name: self.cleaned_data[name] for name in ("power_kw", "energy_kwh", "wear_per_mwh")}
