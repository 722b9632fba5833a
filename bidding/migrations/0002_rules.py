"""The rules across rows: what is submitted stays as it was, and no kilowatt is sold twice."""

from django.db import migrations

from vpp.lib.triggers import append_only, drop_append_only

APPEND_ONLY = {
    "bidding_bidevent": "bid events",
    "bidding_askevent": "ask events",
    "bidding_award": "awards",
    "bidding_activation": "activations",
    "bidding_price": "prices",
    "bidding_bidoption": "options of bids",
    "bidding_orderedoption": "ordered options",
}

BID_IMMUTABLE = """
CREATE FUNCTION bidding_bid_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state <> 'DRAFT' THEN
            RAISE EXCEPTION 'bid % is % and cannot be deleted', OLD.natural_key, OLD.state
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.state <> 'DRAFT' AND (
        NEW.natural_key, NEW.portfolio_id, NEW.product_id, NEW.ask_id, NEW.delivery_date, NEW.version,
        NEW.up_kw, NEW.down_kw, NEW.price_per_mwh, NEW.curve, NEW.blocks
    ) IS DISTINCT FROM (
        OLD.natural_key, OLD.portfolio_id, OLD.product_id, OLD.ask_id, OLD.delivery_date, OLD.version,
        OLD.up_kw, OLD.down_kw, OLD.price_per_mwh, OLD.curve, OLD.blocks
    ) THEN
        RAISE EXCEPTION 'bid % is % and cannot be changed', OLD.natural_key, OLD.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bidding_bid_immutable BEFORE UPDATE OR DELETE ON bidding_bid
    FOR EACH ROW EXECUTE FUNCTION bidding_bid_is_immutable();
"""

ASK_FIELDS = (
    "reference", "utility_id", "congestion_point_id", "direction", "delivery_date", "time_zone", "interval_minutes",
    "quantity_kw", "ceiling_price_per_mwh", "gate_at", "expires_at", "revision", "power_kind", "service_kind",
    "quantity_kvar", "recovery_limit_kw", "topology_version", "contract_id", "channel",
)  # fmt: skip
ASK_IMMUTABLE = f"""
CREATE FUNCTION bidding_ask_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR ({", ".join(f"NEW.{name}" for name in ASK_FIELDS)})
            IS DISTINCT FROM ({", ".join(f"OLD.{name}" for name in ASK_FIELDS)}) THEN
        RAISE EXCEPTION 'ask % stays as it was received: % is refused', OLD.reference, TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bidding_ask_immutable BEFORE UPDATE OR DELETE ON bidding_ask
    FOR EACH ROW EXECUTE FUNCTION bidding_ask_is_immutable();
"""

AWARD_WITHIN_BID = """
CREATE FUNCTION bidding_award_is_within_bid() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bid bidding_bid;
BEGIN
    SELECT * INTO bid FROM bidding_bid WHERE id = NEW.bid_id;
    IF cardinality(NEW.up_kw) <> cardinality(bid.up_kw) OR EXISTS (
        SELECT 1 FROM unnest(NEW.up_kw, NEW.down_kw, bid.up_kw, bid.down_kw) AS row (up, down, bid_up, bid_down)
        WHERE up < 0 OR down < 0 OR up > bid_up + 0.0005 OR down > bid_down + 0.0005
    ) THEN
        RAISE EXCEPTION 'award % is not within bid %', NEW.source_reference, bid.natural_key
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bidding_award_within_bid BEFORE INSERT ON bidding_award
    FOR EACH ROW EXECUTE FUNCTION bidding_award_is_within_bid();
"""

BOOK_KEEPS_PROMISED = """
CREATE FUNCTION bidding_book_keeps_promised() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted bigint;
    touched bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        WITH delta AS (
            SELECT portfolio_id, interval_start, direction, sum(quantity_kw) AS kw
            FROM new_rows WHERE state <> 'RELEASED' GROUP BY 1, 2, 3
        ), moved AS (
            UPDATE bidding_bookcell AS cell SET promised_kw = cell.promised_kw + delta.kw FROM delta
            WHERE cell.portfolio_id = delta.portfolio_id AND cell.interval_start = delta.interval_start
              AND cell.direction = delta.direction RETURNING 1
        )
        SELECT (SELECT count(*) FROM delta), (SELECT count(*) FROM moved) INTO wanted, touched;
    ELSE
        WITH delta AS (
            SELECT portfolio_id, interval_start, direction, sum(kw) AS kw FROM (
                SELECT portfolio_id, interval_start, direction, quantity_kw AS kw FROM new_rows WHERE state <> 'RELEASED'
                UNION ALL
                SELECT portfolio_id, interval_start, direction, -quantity_kw FROM old_rows WHERE state <> 'RELEASED'
            ) AS change GROUP BY 1, 2, 3 HAVING sum(kw) <> 0
        ), moved AS (
            UPDATE bidding_bookcell AS cell SET promised_kw = cell.promised_kw + delta.kw FROM delta
            WHERE cell.portfolio_id = delta.portfolio_id AND cell.interval_start = delta.interval_start
              AND cell.direction = delta.direction RETURNING 1
        )
        SELECT (SELECT count(*) FROM delta), (SELECT count(*) FROM moved) INTO wanted, touched;
    END IF;
    IF wanted <> touched THEN
        RAISE EXCEPTION 'the commitment book has no cell for % of % entries', wanted - touched, wanted
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER bidding_book_insert AFTER INSERT ON bidding_bookentry
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bidding_book_keeps_promised();
CREATE TRIGGER bidding_book_update AFTER UPDATE ON bidding_bookentry
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION bidding_book_keeps_promised();

CREATE FUNCTION bidding_book_is_guarded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'bidding_bookentry' THEN
        RAISE EXCEPTION 'book entries are released, never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.promised_kw <> OLD.promised_kw AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'promised_kw follows the book entries and is not set by hand'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bidding_bookentry_kept BEFORE DELETE ON bidding_bookentry
    FOR EACH ROW EXECUTE FUNCTION bidding_book_is_guarded();
CREATE TRIGGER bidding_bookcell_guarded BEFORE UPDATE ON bidding_bookcell
    FOR EACH ROW EXECUTE FUNCTION bidding_book_is_guarded();
"""

BACK = """
DROP TRIGGER bidding_bookcell_guarded ON bidding_bookcell;
DROP TRIGGER bidding_bookentry_kept ON bidding_bookentry;
DROP FUNCTION bidding_book_is_guarded();
DROP TRIGGER bidding_book_update ON bidding_bookentry;
DROP TRIGGER bidding_book_insert ON bidding_bookentry;
DROP FUNCTION bidding_book_keeps_promised();
DROP TRIGGER bidding_award_within_bid ON bidding_award;
DROP FUNCTION bidding_award_is_within_bid();
DROP TRIGGER bidding_ask_immutable ON bidding_ask;
DROP FUNCTION bidding_ask_is_immutable();
DROP TRIGGER bidding_bid_immutable ON bidding_bid;
DROP FUNCTION bidding_bid_is_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("bidding", "0001_initial")]

    operations = [
        *[
            migrations.RunSQL(append_only(table, what=what), drop_append_only(table))
            for table, what in APPEND_ONLY.items()
        ],
        migrations.RunSQL(BID_IMMUTABLE + ASK_IMMUTABLE + AWARD_WITHIN_BID + BOOK_KEEPS_PROMISED, BACK),
    ]
