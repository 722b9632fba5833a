"""Quality flags of a stored reading or rollup cell, and the stable reasons for refusing one."""

from __future__ import annotations

from enum import IntFlag


class Quality(IntFlag):
    """Bits of `quality`; 0 is good. Flagged readings are evidence and are kept."""

    GOOD = 0
    ABOVE_RATING = 1  # beyond the device's rating, yet possible
    CORRECTED = 2  # replaces an earlier reading
    ENERGY_MISMATCH = 4  # energy has the opposite sign of the power
    SOC_OUT_OF_RANGE = 8  # above the storage's capacity
    PARTIAL = 16  # rollup: readings cover less of the interval than their own step promises
    IMPOSSIBLE_STEP = 32  # faster than the device's ramp, or wider than its whole range
    STUCK = 64  # the same power to the last digit for hours
    ROLLED_OVER = 128  # the meter's register passed its last digit inside the interval
    SPREAD = 512  # the mean of a longer interval, which holds for each of its quarter hours
    ESTIMATED = 1024  # the sender says that it did not measure it
    FILLED = 256  # not measured: put in by a rule, for operations only; never stored


class Refusal:
    """Reasons in the answer to the sender; a client may rely on these words."""

    MALFORMED = "malformed_row"
    UNKNOWN_DEVICE = "unknown_device"  # also one that belongs to somebody else: the answer must not tell
    NOT_A_NUMBER = "not_a_number"
    INFINITE = "infinite"
    ABOVE_RATING = "above_rating"
    AHEAD_OF_CLOCK = "ahead_of_clock"
    TOO_OLD = "too_old"
    UNALIGNED = "unaligned"
    CONFLICT = "conflict"
    REPEATED_IN_BATCH = "repeated_in_batch"
    REGISTER_RESET = "register_reset"  # the register fell and no roll-over explains it
    REGISTER_LATE = "register_late"  # older than the showing that a reading was already made of
    CONSENT_WITHDRAWN = "consent_withdrawn"  # measured after the owner had taken the consent back
    SKIPPED_HOUR = "skipped_hour"  # files: a local time that the spring clock change leaves out
