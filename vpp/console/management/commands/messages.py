"""`manage.py messages`: bring the translations up to date with the texts of templates and code, and compile them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

from vpp.accounts import commands
from vpp.console import translations


class Command(commands.ServiceCommand):
    help = "Collect every text, keep what is translated, name what is not, write vpp/locale/*/LC_MESSAGES/django.mo."
    examples = ("messages",)
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        places = translations.texts(Path(settings.BASE_DIR))
        for language, _name in settings.LANGUAGES[1:]:
            path = translations.catalogue(language)
            entries = translations.read_po(path)
            translations.write_po(path, entries, places)
            entries = translations.read_po(path)
            path.with_suffix(".mo").write_bytes(translations.compiled(entries))
            missing = [key for key, given in entries.items() if key and not all(given)]
            self.stdout.write(f"{language}: {len(entries) - 1} texts, {len(missing)} without a translation")
            for key in missing:
                self.stdout.write(f"  {key.partition(translations.PLURAL)[0]}")
