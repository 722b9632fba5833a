"""What the grid is made of: lines, transformers, regulators, capacitors, sources, and where flexibility is bought."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from vpp.accounts.models import Participant
from vpp.network.models.places import ElementQuerySet, Feeder, NetworkQuerySet, Node, Phases


class Branch(models.Model):
    """A line or cable; it conducts if both ends are closed."""

    code = models.CharField(max_length=120, unique=True)
    feeder = models.ForeignKey(Feeder, on_delete=models.PROTECT, related_name="branches")
    from_node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="+")
    to_node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="+")
    r_ohm = models.FloatField()
    x_ohm = models.FloatField()
    c_nf = models.FloatField(default=0.0)
    rating_a = models.FloatField(null=True, blank=True, help_text="continuous current; empty: unknown, not checked")
    from_closed = models.BooleanField(default=True, help_text="switch at the from-node")
    to_closed = models.BooleanField(default=True, help_text="switch at the to-node")
    phases = models.CharField(max_length=3, choices=Phases, default=Phases.ABC)

    objects = ElementQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "branches"
        constraints = [
            models.CheckConstraint(condition=~Q(from_node=F("to_node")), name="branch_joins_two_nodes"),
            models.CheckConstraint(
                condition=Q(r_ohm__gt=0) | (Q(r_ohm=0) & ~Q(x_ohm=0)), name="branch_has_an_impedance"
            ),
            models.CheckConstraint(condition=Q(c_nf__gte=0), name="branch_capacitance_not_negative"),
            models.CheckConstraint(
                condition=Q(rating_a__isnull=True) | Q(rating_a__gt=0), name="branch_rating_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def closed(self) -> bool:
        return self.from_closed and self.to_closed


class Transformer(models.Model):
    """A two-winding transformer; it belongs to the feeder that its low-voltage side supplies."""

    class TapSide(models.TextChoices):
        HV = "HV", "high-voltage side"
        LV = "LV", "low-voltage side"

    code = models.CharField(max_length=120, unique=True)
    feeder = models.ForeignKey(Feeder, on_delete=models.PROTECT, related_name="transformers")
    hv_node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="+")
    lv_node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="+")
    rated_kva = models.FloatField()
    hv_kv = models.FloatField()
    lv_kv = models.FloatField()
    vk_percent = models.FloatField(help_text="short-circuit voltage")
    vkr_percent = models.FloatField(help_text="its resistive part")
    pfe_kw = models.FloatField(default=0.0, help_text="iron losses")
    i0_percent = models.FloatField(default=0.0, help_text="open-circuit current")
    tap_side = models.CharField(max_length=2, choices=TapSide, default=TapSide.HV)
    tap_position = models.SmallIntegerField(default=0)
    tap_neutral = models.SmallIntegerField(default=0)
    tap_step_percent = models.FloatField(default=0.0)
    phases = models.CharField(max_length=3, choices=Phases, default=Phases.ABC)
    closed = models.BooleanField(default=True, help_text="switches at both sides")

    objects = ElementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(hv_node=F("lv_node")), name="transformer_joins_two_nodes"),
            models.CheckConstraint(
                condition=Q(rated_kva__gt=0) & Q(hv_kv__gt=0) & Q(lv_kv__gt=0), name="transformer_ratings_positive"
            ),
            models.CheckConstraint(
                condition=Q(vk_percent__gt=0, vk_percent__lt=100)
                & Q(vkr_percent__gte=0)
                & Q(vkr_percent__lte=F("vk_percent")),
                name="transformer_impedance_in_range",
            ),
            models.CheckConstraint(
                condition=Q(pfe_kw__gte=0) & Q(i0_percent__gte=0, i0_percent__lt=100),
                name="transformer_no_load_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Regulator(models.Model):
    """An automatic tap changer that holds the voltage at its transformer's low-voltage side. A line regulator is one on
    a transformer with equal voltages."""

    code = models.CharField(max_length=120, unique=True)
    feeder = models.ForeignKey(Feeder, on_delete=models.PROTECT, related_name="regulators")
    transformer = models.OneToOneField(Transformer, on_delete=models.PROTECT, related_name="regulator")
    v_set_pu = models.FloatField()
    v_band_pu = models.FloatField(help_text="width of the band in which it rests")
    tap_min = models.SmallIntegerField()
    tap_max = models.SmallIntegerField()

    objects = ElementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(tap_max__gt=F("tap_min")), name="regulator_has_a_range"),
            models.CheckConstraint(
                condition=Q(v_set_pu__gt=0.5, v_set_pu__lt=1.5, v_band_pu__gt=0), name="regulator_band_in_range"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Shunt(models.Model):
    """A capacitor (negative) or reactor as constant susceptance."""

    code = models.CharField(max_length=120, unique=True)
    feeder = models.ForeignKey(Feeder, on_delete=models.PROTECT, related_name="shunts")
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="+")
    q_kvar = models.FloatField(help_text="reactive power taken at nominal voltage")

    objects = ElementQuerySet.as_manager()

    def __str__(self) -> str:
        return self.code


class Source(models.Model):
    """The grid above a feeder. Where the node belongs to another feeder, it stands for that feeder when this one is
    studied alone."""

    feeder = models.ForeignKey(Feeder, on_delete=models.PROTECT, related_name="sources")
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="+")
    v_pu = models.FloatField(default=1.0)

    objects = ElementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["feeder", "node"], name="source_once_a_node"),
            models.CheckConstraint(condition=Q(v_pu__gt=0.5, v_pu__lt=1.5), name="source_voltage_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.feeder_id} at {self.node_id}"


class CongestionPoint(models.Model):
    """Where a utility buys flexibility: an element of a feeder (or the feeder's head) and the power it may carry."""

    code = models.CharField(max_length=120, unique=True, help_text="entity address, as ea1.2016-01.dso.example:CODE")
    utility = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="congestion_points")
    feeder = models.ForeignKey(Feeder, on_delete=models.PROTECT, related_name="congestion_points")
    transformer = models.ForeignKey(Transformer, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    branch = models.ForeignKey(Branch, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    limit_kw = models.FloatField(help_text="in both directions")

    objects = NetworkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(limit_kw__gt=0), name="congestion_point_limit_positive"),
            models.CheckConstraint(
                condition=Q(transformer__isnull=True) | Q(branch__isnull=True), name="congestion_point_one_element"
            ),
        ]

    def __str__(self) -> str:
        return self.code
