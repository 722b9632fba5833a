"""Claims, cells of the book and bids that ended stay, whatever SQL says by hand."""

from django.db import migrations

CLAIMS = """
CREATE FUNCTION bidding_bookentry_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE stood text;
BEGIN
    IF (NEW.portfolio_id, NEW.interval_start, NEW.direction, NEW.bid_id)
        IS DISTINCT FROM (OLD.portfolio_id, OLD.interval_start, OLD.direction, OLD.bid_id)
        OR (OLD.state <> 'OPEN' AND (NEW.state, NEW.quantity_kw) IS DISTINCT FROM (OLD.state, OLD.quantity_kw))
        OR NEW.quantity_kw > OLD.quantity_kw
        OR (NEW.state <> 'AWARDED' AND NEW.quantity_kw <> OLD.quantity_kw) THEN
        RAISE EXCEPTION 'a claim is awarded or released, and otherwise stays' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state = 'OPEN' AND NEW.state = 'RELEASED' THEN
        SELECT state INTO stood FROM bidding_bid WHERE id = OLD.bid_id;
        IF stood IN ('DRAFT', 'CHECKED', 'HELD', 'SUBMITTED', 'ACKNOWLEDGED') THEN
            RAISE EXCEPTION 'bid % is % and keeps what it claims', OLD.bid_id, stood
                USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bidding_bookentry_fixed BEFORE UPDATE ON bidding_bookentry
    FOR EACH ROW EXECUTE FUNCTION bidding_bookentry_is_fixed();

CREATE FUNCTION bidding_bookcell_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.promised_kw <> 0 THEN
        RAISE EXCEPTION 'kilowatts of this cell are promised: DELETE is refused' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER bidding_bookcell_kept BEFORE DELETE ON bidding_bookcell
    FOR EACH ROW EXECUTE FUNCTION bidding_bookcell_is_kept();
"""
NO_CLAIMS = """
DROP TRIGGER bidding_bookcell_kept ON bidding_bookcell;
DROP FUNCTION bidding_bookcell_is_kept();
DROP TRIGGER bidding_bookentry_fixed ON bidding_bookentry;
DROP FUNCTION bidding_bookentry_is_fixed();
"""
# The last states of Bid.STEPS, once more where SQL by hand meets them.
ENDS = """
CREATE FUNCTION bidding_bid_has_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'bid % is % and stays so', OLD.natural_key, OLD.state USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER bidding_bid_final BEFORE UPDATE OF state ON bidding_bid FOR EACH ROW
    WHEN (NEW.state <> OLD.state AND OLD.state IN ('CLEARED', 'NOT_CLEARED', 'REJECTED', 'EXPIRED', 'WITHDRAWN'))
    EXECUTE FUNCTION bidding_bid_has_ended();
"""
NO_ENDS = """
DROP TRIGGER bidding_bid_final ON bidding_bid;
DROP FUNCTION bidding_bid_has_ended();
"""


class Migration(migrations.Migration):
    dependencies = [("bidding", "0006_references_by_source")]

    operations = [
        migrations.RunSQL(CLAIMS, NO_CLAIMS),
        migrations.RunSQL(ENDS, NO_ENDS),
    ]
