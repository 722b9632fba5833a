from bidding.distribution.notices import Notice


def on_notice(notice: Notice) -> None:
    pass
