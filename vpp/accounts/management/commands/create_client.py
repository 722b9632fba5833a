"""`manage.py create_client UTILITY-1 --kind UTILITY --scope asks:write`: an API token, shown once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands, operations
from vpp.accounts.models import SCOPES, Participant
from vpp.lib import clock


class Command(commands.ServiceCommand):
    help = "Make an API client of a participant and print its token; a client of that name gets a new token."
    examples = (
        "create_client dso.example --kind UTILITY --display-name 'Example grid' --scope read --scope asks:write",
        "create_client dso.example --client planning --scope read --oauth",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("participant", help="its code; made if it does not exist")
        parser.add_argument("--kind", choices=Participant.Kind.values, help="needed for a new participant")
        parser.add_argument("--display-name", default="", help="of a new participant")
        parser.add_argument("--client", default="default", help="name of the program that will use the token")
        parser.add_argument("--scope", action="append", choices=list(SCOPES), default=[], help="may be repeated")
        parser.add_argument(
            "--oauth", action="store_true", help="make OAuth2 client credentials for POST /oauth2/token, no fixed token"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        code = options["participant"]
        participant = Participant.objects.filter(code=code).first()
        if participant is None:
            if not options["kind"]:
                raise CommandError(f"there is no participant {code!r}; give --kind to make one")
            participant = operations.ensure_participant(
                code=code, name=options["display_name"] or code, kind=options["kind"]
            )
        elif options["kind"] and options["kind"] != participant.kind:
            raise CommandError(f"participant {code!r} is a {participant.kind}")
        if options["oauth"]:
            self._oauth(participant, options)
            return
        _, token = operations.create_client(
            participant=participant, name=options["client"], scopes=options["scope"] or ["read"], at=clock.now()
        )
        self.stdout.write(token)

    def _oauth(self, participant: Participant, options: dict[str, Any]) -> None:
        from vpp.accounts.oauth import create_oauth_client

        _, client_id, secret = create_oauth_client(
            participant=participant, name=options["client"], scopes=options["scope"] or ["read"], at=clock.now()
        )
        self.stdout.write(f"client_id {client_id}")
        self.stdout.write(f"client_secret {secret}")
