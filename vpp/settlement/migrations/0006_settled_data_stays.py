"""What a settled run was computed from and no table dates stays: names, zones, currencies; ratings are kept with the run."""

from django.db import migrations, models

BASE = """
CREATE FUNCTION settlement_was_settled() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE settled boolean;
BEGIN
    EXECUTE 'SELECT EXISTS (' || TG_ARGV[0] || ')' INTO settled USING OLD.id;
    IF settled THEN
        RAISE EXCEPTION 'days of % % are settled with its %: that stays', TG_ARGV[1], OLD.code, TG_ARGV[2]
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
NO_BASE = "DROP FUNCTION settlement_was_settled();"
OF_DEVICE = "SELECT 1 FROM settlement_deviceperformance WHERE device_id = $1"
OF_SITE = (
    "SELECT 1 FROM enrollment_device d JOIN settlement_deviceperformance p ON p.device_id = d.id WHERE d.site_id = $1"
)
OF_PORTFOLIO = "SELECT 1 FROM settlement_settlementrun WHERE portfolio_id = $1"
OF_PRODUCT = (
    "SELECT 1 FROM bidding_bid b JOIN bidding_award a ON a.bid_id = b.id "
    "JOIN settlement_performance p ON p.award_id = a.id WHERE b.product_id = $1"
)
OF_MARKET = (
    "SELECT 1 FROM bidding_product o JOIN bidding_bid b ON b.product_id = o.id JOIN bidding_award a ON a.bid_id = b.id "
    "JOIN settlement_performance p ON p.award_id = a.id WHERE o.market_id = $1"
)
#: table -> what it is called, its settled days, its columns
STAYS = {
    "enrollment_device": ("device", OF_DEVICE, ("code",)),
    "enrollment_site": ("site", OF_SITE, ("time_zone",)),
    "enrollment_portfolio": ("portfolio", OF_PORTFOLIO, ("code", "time_zone")),
    "bidding_product": ("product", OF_PRODUCT, ("kind", "market_id")),
    "bidding_market": ("market", OF_MARKET, ("currency", "time_zone")),
}


def stays(table: str) -> str:
    what, settled, columns = STAYS[table]
    new, old = (f"ROW({', '.join(f'{row}.{name}' for name in columns)})" for row in ("NEW", "OLD"))
    told = " and ".join(columns).replace("_id", "").replace("_", " ")
    return f"""
CREATE TRIGGER {table}_settled BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({new} IS DISTINCT FROM {old})
    EXECUTE FUNCTION settlement_was_settled('{settled}', '{what}', '{told}');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("bidding", "0010_kept_as_written"),
        ("enrollment", "0004_consents_stay"),
        ("settlement", "0005_never_truncated"),
    ]

    operations = [
        migrations.AddField(
            "deviceperformance",
            "available_kw",
            models.FloatField(help_text="its rating on that day, both ways together", null=True),
        ),
        migrations.RunSQL(BASE, NO_BASE),
        *[migrations.RunSQL(stays(table), f"DROP TRIGGER {table}_settled ON {table};") for table in STAYS],
    ]
