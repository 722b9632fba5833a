"""How awards of a product or a contract are paid: component lines as dated data, and what they need from others."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from vpp.settlement.models.rules import DatedQuerySet


class ProductTerms(models.Model):
    """A version of the component lines of a product or of a utility's contract; goes before the kind's payment rule.

    Terms of a contract go before those of a product, those before terms of a whole market.
    """

    market_code = models.CharField(max_length=40, help_text="the market whose awards are paid so")
    product_code = models.CharField(max_length=40, blank=True, help_text="empty: every product of the market")
    contract_id = models.CharField(max_length=120, blank=True, help_text="a utility's contract; empty: any or none")
    version = models.PositiveIntegerField(default=1)
    valid_from = models.DateField()
    lines = models.JSONField(help_text="[{component, name, band, price, ...}]: settlement.kernels.components.lines")
    source = models.TextField(blank=True, help_text="rulebook or contract, and clause")

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "product terms"
        constraints = [
            models.UniqueConstraint(
                fields=["market_code", "product_code", "contract_id", "version"], name="product_terms_version_once"
            ),
            models.CheckConstraint(condition=~Q(lines=[]), name="product_terms_have_a_line"),
        ]

    def clean(self) -> None:
        from vpp.settlement.kernels.components.lines import TermsError, check_lines

        try:
            check_lines(self.lines)
        except TermsError as error:
            raise ValidationError({"lines": str(error)}) from error

    def __str__(self) -> str:
        place = "/".join(part for part in (self.market_code, self.product_code, self.contract_id) if part)
        return f"{place} v{self.version}"


class ComponentInput(models.Model):
    """What a component of one award needs from elsewhere: a regulation signal and response, test results, charges."""

    award = models.ForeignKey("bidding.Award", on_delete=models.PROTECT, related_name="component_inputs")
    component = models.CharField(max_length=32)
    received_at = models.DateTimeField()
    data = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["award", "component", "received_at"], name="component_input_once_a_moment"),
        ]

    def __str__(self) -> str:
        return f"{self.component} of award {self.award_id}"
