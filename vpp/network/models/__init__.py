"""Tables of the network: places, elements, states over time, clearing plans."""

from vpp.network.models.elements import Branch, CongestionPoint, Regulator, Shunt, Source, Transformer
from vpp.network.models.places import ElementQuerySet, Feeder, NetworkQuerySet, Node, Phases, Substation
from vpp.network.models.plans import ClearingPlan, PlanBid, PlanDecision
from vpp.network.models.states import OperatingEnvelope, TopologyVersion

__all__ = [
    "Branch",
    "ClearingPlan",
    "CongestionPoint",
    "ElementQuerySet",
    "Feeder",
    "NetworkQuerySet",
    "Node",
    "OperatingEnvelope",
    "Phases",
    "PlanBid",
    "PlanDecision",
    "Regulator",
    "Shunt",
    "Source",
    "Substation",
    "TopologyVersion",
    "Transformer",
]
