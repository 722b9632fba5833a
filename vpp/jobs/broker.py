"""Which dramatiq broker carries the messages. The truth about a job is its row; a message is only a nudge."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlparse

if TYPE_CHECKING:
    from dramatiq import Broker


def make_broker(url: str) -> Broker:
    """The in-memory broker for an empty url, RabbitMQ for amqp(s)://, Redis for redis(s)://.

    Retries are ours (see `jobs.operations`), so dramatiq's own middleware for them is left out; time limits are its.
    """
    from dramatiq.middleware import AgeLimit, Callbacks, ShutdownNotifications, TimeLimit

    from vpp.jobs.sessions import EndDatabaseSessions

    middleware = [AgeLimit(), TimeLimit(), ShutdownNotifications(), Callbacks(), EndDatabaseSessions()]
    scheme = urlparse(url).scheme
    if not url:
        from dramatiq.brokers.stub import StubBroker

        return StubBroker(middleware=middleware)
    if scheme in {"amqp", "amqps"}:
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        return RabbitmqBroker(url=url, confirm_delivery=True, middleware=middleware)
    if scheme in {"redis", "rediss"}:
        from dramatiq.brokers.redis import RedisBroker

        return RedisBroker(url=url, middleware=middleware)
    raise SystemExit(f"VPP_BROKER_URL: {scheme!r} is none of amqp, amqps, redis, rediss")
