
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('enrollment', '0001_initial'),
        ('telemetry', '0003_latest_leaves_room'),
    ]

    operations = [
        migrations.CreateModel(
            name='TouchedBucket',
            fields=[
                ('pk', models.CompositePrimaryKey('bucket', 'device_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('bucket', models.DateTimeField()),
                ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='enrollment.device')),
            ],
        ),
    ]
