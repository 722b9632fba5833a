"""A bid that was checked is no draft again, and only what a market or utility has before it is awarded, whatever SQL says
by hand: else its kilowatts could be changed, or promised without a claim in the book."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION bidding_bid_was_checked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'bid % is % and is no draft again', OLD.natural_key, OLD.state USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER bidding_bid_no_draft_again BEFORE UPDATE OF state ON bidding_bid FOR EACH ROW
    WHEN (OLD.state <> 'DRAFT' AND NEW.state = 'DRAFT') EXECUTE FUNCTION bidding_bid_was_checked();

CREATE FUNCTION bidding_award_is_of_live_bid() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE stood text;
BEGIN
    SELECT state INTO stood FROM bidding_bid WHERE id = NEW.bid_id;
    IF stood IN ('DRAFT', 'CHECKED', 'HELD', 'WITHDRAWN', 'EXPIRED', 'REJECTED') THEN
        RAISE EXCEPTION 'bid % is % and takes no award', NEW.bid_id, stood USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
-- at the end of the transaction: operations write the award first, and then move the bid or refuse in their own words
CREATE CONSTRAINT TRIGGER bidding_award_of_live_bid AFTER INSERT ON bidding_award
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bidding_award_is_of_live_bid();
"""
BACKWARD = """
DROP TRIGGER bidding_award_of_live_bid ON bidding_award;
DROP FUNCTION bidding_award_is_of_live_bid();
DROP TRIGGER bidding_bid_no_draft_again ON bidding_bid;
DROP FUNCTION bidding_bid_was_checked();
"""


class Migration(migrations.Migration):
    dependencies = [("bidding", "0010_kept_as_written")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
