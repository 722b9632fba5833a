"""Profiles that came or changed since the first ones: a changed rule is a new version beside the old one."""

from datetime import date

from django.db import migrations

from vpp.settlement.kernels.profile_data import shipped_profiles

BEGINNING = date(2000, 1, 1)


def add_profiles(apps, schema_editor):
    profile = apps.get_model("settlement", "BaselineProfile")
    for name, data in shipped_profiles().items():
        parameters = {key: value for key, value in data.items() if key not in ("method", "source")}
        newest = profile.objects.filter(name=name).order_by("-version").first()
        if newest is not None and newest.parameters == parameters:
            continue
        profile.objects.create(
            name=name,
            version=newest.version + 1 if newest else 1,
            valid_from=BEGINNING,
            method=data.get("method", "x_of_y"),
            parameters=parameters,
            source=data.get("source", ""),
        )


class Migration(migrations.Migration):
    dependencies = [("settlement", "0006_more_baseline_methods")]

    operations = [migrations.RunPython(add_profiles, migrations.RunPython.noop)]
