"""Of a bid's awards one stands, and the bid names it; cancelled ones stay, and so do the claims they had."""

from django.db import migrations

from vpp.lib.triggers import append_only, drop_append_only

FILL = """
UPDATE bidding_bid SET award_id = award.id FROM bidding_award AS award WHERE award.bid_id = bidding_bid.id;
SET CONSTRAINTS ALL IMMEDIATE;
"""
ONE_STANDS = """
CREATE FUNCTION bidding_award_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bidding_bid SET award_id = NEW.id WHERE id = NEW.bid_id AND award_id IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'bid % has an award that stands', NEW.bid_id USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER bidding_award_now_stands AFTER INSERT ON bidding_award
    FOR EACH ROW EXECUTE FUNCTION bidding_award_stands();

CREATE FUNCTION bidding_award_stands_no_more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bidding_bid SET award_id = NULL WHERE award_id = NEW.award_id;
    RETURN NULL;
END $$;
CREATE TRIGGER bidding_award_is_cancelled AFTER INSERT ON bidding_awardcancellation
    FOR EACH ROW EXECUTE FUNCTION bidding_award_stands_no_more();

CREATE FUNCTION bidding_bid_award_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'the award of a bid follows its awards and is not set by hand'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bidding_bid_award_kept BEFORE UPDATE OF award_id ON bidding_bid FOR EACH ROW
    WHEN (NEW.award_id IS DISTINCT FROM OLD.award_id) EXECUTE FUNCTION bidding_bid_award_is_kept();
"""
NONE_STANDS = """
DROP TRIGGER bidding_bid_award_kept ON bidding_bid;
DROP FUNCTION bidding_bid_award_is_kept();
DROP TRIGGER bidding_award_is_cancelled ON bidding_awardcancellation;
DROP FUNCTION bidding_award_stands_no_more();
DROP TRIGGER bidding_award_now_stands ON bidding_award;
DROP FUNCTION bidding_award_stands();
"""

CLAIMS = """
CREATE OR REPLACE FUNCTION bidding_bookentry_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE stood text;
BEGIN
    SELECT state INTO stood FROM bidding_bid WHERE id = OLD.bid_id;
    IF OLD.state = 'AWARDED' AND NEW.state = 'RELEASED' AND stood = 'CANCELLED'
        AND (NEW.portfolio_id, NEW.interval_start, NEW.direction, NEW.bid_id{claim}, NEW.quantity_kw)
        = (OLD.portfolio_id, OLD.interval_start, OLD.direction, OLD.bid_id{old_claim}, OLD.quantity_kw) THEN
        RETURN NEW;
    END IF;
    IF (NEW.portfolio_id, NEW.interval_start, NEW.direction, NEW.bid_id{claim})
        IS DISTINCT FROM (OLD.portfolio_id, OLD.interval_start, OLD.direction, OLD.bid_id{old_claim})
        OR (OLD.state <> 'OPEN' AND (NEW.state, NEW.quantity_kw) IS DISTINCT FROM (OLD.state, OLD.quantity_kw))
        OR NEW.quantity_kw > OLD.quantity_kw
        OR (NEW.state <> 'AWARDED' AND NEW.quantity_kw <> OLD.quantity_kw) THEN
        RAISE EXCEPTION 'a claim is awarded or released, and otherwise stays' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state = 'OPEN' AND NEW.state = 'RELEASED' AND stood IN
        ('DRAFT', 'CHECKED', 'HELD', 'SUBMITTED', 'ACKNOWLEDGED') THEN
        RAISE EXCEPTION 'bid % is % and keeps what it claims', OLD.bid_id, stood USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
WITH_CLAIM = CLAIMS.format(claim=", NEW.claim", old_claim=", OLD.claim")
WITHOUT_CLAIM = CLAIMS.format(claim="", old_claim="")  # no bid is CANCELLED then: as before

ENDS = """
CREATE OR REPLACE FUNCTION bidding_bid_has_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'CLEARED' AND NEW.state = 'CANCELLED' AND NEW.award_id IS NULL AND EXISTS (
        SELECT 1 FROM bidding_awardcancellation AS cancelled JOIN bidding_award AS award ON award.id = cancelled.award_id
        WHERE award.bid_id = OLD.id
    ) OR OLD.state IN ('CANCELLED', 'NOT_CLEARED') AND NEW.state = 'CLEARED' AND NEW.award_id IS NOT NULL
      OR OLD.state = 'CANCELLED' AND NEW.state = 'NOT_CLEARED' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'bid % is % and stays so', OLD.natural_key, OLD.state USING ERRCODE = 'restrict_violation';
END $$;
DROP TRIGGER bidding_bid_final ON bidding_bid;
CREATE TRIGGER bidding_bid_final BEFORE UPDATE OF state ON bidding_bid FOR EACH ROW
    WHEN (NEW.state <> OLD.state
        AND OLD.state IN ('CLEARED', 'NOT_CLEARED', 'REJECTED', 'EXPIRED', 'WITHDRAWN', 'CANCELLED'))
    EXECUTE FUNCTION bidding_bid_has_ended();
"""
ENDS_BEFORE = """
CREATE OR REPLACE FUNCTION bidding_bid_has_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'bid % is % and stays so', OLD.natural_key, OLD.state USING ERRCODE = 'restrict_violation';
END $$;
DROP TRIGGER bidding_bid_final ON bidding_bid;
CREATE TRIGGER bidding_bid_final BEFORE UPDATE OF state ON bidding_bid FOR EACH ROW
    WHEN (NEW.state <> OLD.state AND OLD.state IN ('CLEARED', 'NOT_CLEARED', 'REJECTED', 'EXPIRED', 'WITHDRAWN'))
    EXECUTE FUNCTION bidding_bid_has_ended();
"""


class Migration(migrations.Migration):
    dependencies = [("bidding", "0008_awards_are_cancelled")]

    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(ONE_STANDS, NONE_STANDS),
        migrations.RunSQL(WITH_CLAIM, WITHOUT_CLAIM),
        migrations.RunSQL(ENDS, ENDS_BEFORE),
        migrations.RunSQL(
            append_only("bidding_awardcancellation", what="cancellations of awards"),
            drop_append_only("bidding_awardcancellation"),
        ),
    ]
