"""Asks that were committed or have ended stay so, moments at which something was known stay as they were written, and
TRUNCATE passes no bid, ask, award, price or claim by."""

from django.db import migrations

from vpp.lib.triggers import drop_never_truncated, drop_stays_as_written, never_truncated, stays_as_written

# The last states of Ask.STEPS, once more where SQL by hand meets them.
ENDS = """
CREATE FUNCTION bidding_ask_has_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ask % is % and cannot become %', OLD.reference, OLD.state, NEW.state
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER bidding_ask_final BEFORE UPDATE OF state ON bidding_ask FOR EACH ROW
    WHEN (NEW.state <> OLD.state AND NOT CASE OLD.state
        WHEN 'COMMITTED' THEN NEW.state = 'DELIVERED'
        WHEN 'DELIVERED' THEN NEW.state = 'REPORTED'
        ELSE OLD.state IN ('ASKED', 'BID', 'NO_BID') END)
    EXECUTE FUNCTION bidding_ask_has_ended();
"""
NO_ENDS = "DROP TRIGGER bidding_ask_final ON bidding_ask; DROP FUNCTION bidding_ask_has_ended();"
WRITTEN = {
    "bidding_ask": ("moments of asks", ("created_at",)),
    "bidding_bid": ("what bids came from", ("created_at", "nightly_run_id", "forecast_run_id")),
    "bidding_nightlyrun": (
        "what nightly runs may know", ("natural_key", "zone_code", "delivery_date", "gate_at", "data_as_of", "started_at")
    ),
}  # fmt: skip
KEPT = (
    "bidding_bidevent", "bidding_askevent", "bidding_award", "bidding_awardcancellation", "bidding_activation",
    "bidding_price", "bidding_bidoption", "bidding_orderedoption", "bidding_bid", "bidding_ask", "bidding_bookentry",
    "bidding_bookcell", "bidding_nightlyrun",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_never_truncated"), ("bidding", "0009_awards_stand")]

    operations = [
        migrations.RunSQL(ENDS, NO_ENDS),
        *[
            migrations.RunSQL(stays_as_written(table, what=what, columns=columns), drop_stays_as_written(table))
            for table, (what, columns) in WRITTEN.items()
        ],
        migrations.RunSQL(never_truncated(*KEPT), drop_never_truncated(*KEPT)),
    ]
