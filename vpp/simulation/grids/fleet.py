"""The fleet behind a grid as the records of the enrollment import files (columns: docs/files.md)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class OwnerRecord:
    code: str
    name: str
    kind: str = "OWNER"


@dataclass(frozen=True)
class SiteRecord:
    code: str
    name: str
    owner: str
    time_zone: str
    zone: str
    feeder: str
    node: str
    import_limit_kw: float
    export_limit_kw: float
    baseline_method: str


@dataclass(frozen=True)
class ConsentRecord:
    site: str
    start: str
    given_by: str
    document: str


@dataclass(frozen=True)
class DeviceRecord:
    code: str
    site: str
    kind: str
    name: str
    max_consumption_kw: float
    max_production_kw: float
    controllable: bool = False
    energy_capacity_kwh: float | None = None
    charge_efficiency: float | None = None
    discharge_efficiency: float | None = None
    ramp_kw_per_minute: float | None = None
    cost_per_kwh: float | None = None
    self_discharge_pu_per_day: float | None = None


@dataclass(frozen=True)
class TermsRecord:
    device: str
    start: str
    reserve_floor_pu: float | None = None
    max_events_per_day: int | None = None
    max_hours_per_day: float | None = None
    notice_minutes: int | None = None
    rest_minutes: int | None = None
    comfort_min_c: float | None = None
    comfort_max_c: float | None = None
    departure_local_time: str | None = None
    departure_energy_kwh: float | None = None
    opted_out: bool = False


@dataclass(frozen=True)
class ContractRecord:
    code: str
    owner: str
    start: str
    split_rule: str
    owner_share_pu: float
    fee_per_event: float
    currency: str


@dataclass(frozen=True)
class PortfolioRecord:
    code: str
    name: str
    zone: str
    feeder: str
    time_zone: str
    min_kw: float


@dataclass(frozen=True)
class EnrollmentRecord:
    device: str
    portfolio: str
    start: str


@dataclass
class Fleet:
    """Everything that is enrolled, one list per import file."""

    owners: list[OwnerRecord] = field(default_factory=list)
    sites: list[SiteRecord] = field(default_factory=list)
    consents: list[ConsentRecord] = field(default_factory=list)
    devices: list[DeviceRecord] = field(default_factory=list)
    owner_terms: list[TermsRecord] = field(default_factory=list)
    contracts: list[ContractRecord] = field(default_factory=list)
    portfolios: list[PortfolioRecord] = field(default_factory=list)
    enrollments: list[EnrollmentRecord] = field(default_factory=list)


RECORD_TYPES = {
    "owners": OwnerRecord,
    "sites": SiteRecord,
    "consents": ConsentRecord,
    "devices": DeviceRecord,
    "owner_terms": TermsRecord,
    "contracts": ContractRecord,
    "portfolios": PortfolioRecord,
    "enrollments": EnrollmentRecord,
}
