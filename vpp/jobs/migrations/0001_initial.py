import django.contrib.postgres.fields
import django.db.models.deletion
import vpp.accounts.create_tables
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0002_rules'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        vpp.accounts.create_tables.CreateTables(
            operations=[
                migrations.CreateModel(
                    name='Job',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(max_length=80)),
                        ('natural_key', models.CharField(max_length=200, unique=True)),
                        ('payload', models.JSONField(default=dict)),
                        ('queue', models.CharField(default='default', max_length=40)),
                        ('state', models.CharField(choices=[('PENDING', 'pending'), ('LEASED', 'handed out'), ('DONE', 'done'), ('FAILED', 'failed as expected'), ('DEAD', 'given up')], default='PENDING', max_length=8)),
                        ('attempts', models.PositiveSmallIntegerField(default=0)),
                        ('created_at', models.DateTimeField()),
                        ('run_after', models.DateTimeField()),
                        ('deadline', models.DateTimeField(blank=True, help_text='after this the job is given up, not retried', null=True)),
                        ('lease_until', models.DateTimeField(blank=True, null=True)),
                        ('lease_owner', models.CharField(blank=True, max_length=120)),
                        ('finished_at', models.DateTimeField(blank=True, null=True)),
                        ('result', models.JSONField(blank=True, null=True)),
                        ('error', models.TextField(blank=True)),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('state', 'PENDING')), fields=['run_after'], name='jobs_pending'), models.Index(condition=models.Q(('state', 'LEASED')), fields=['lease_until'], name='jobs_leased')],
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('state', 'LEASED'), _negated=True), ('lease_until__isnull', False), _connector='OR'), name='job_lease_has_an_end')],
                    },
                ),
                migrations.CreateModel(
                    name='ScheduleSlot',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('schedule', models.CharField(max_length=80)),
                        ('due_at', models.DateTimeField()),
                        ('job', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='slots', to='jobs.job')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('schedule', 'due_at'), name='schedule_slot_once')],
                    },
                ),
                migrations.CreateModel(
                    name='IdempotencyKey',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('client', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.apiclient')),
                        ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('key', models.CharField(max_length=200)),
                        ('request_hash', models.CharField(max_length=64)),
                        ('status', models.PositiveSmallIntegerField()),
                        ('answer', models.JSONField(null=True)),
                        ('created_at', models.DateTimeField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('client', 'key'), name='idempotency_key_once_a_client'), models.UniqueConstraint(fields=('user', 'key'), name='idempotency_key_once_a_user'), models.CheckConstraint(condition=models.Q(models.Q(('client__isnull', False), ('user__isnull', True)), models.Q(('client__isnull', True), ('user__isnull', False)), _connector='OR'), name='idempotency_key_has_one_principal')],
                    },
                ),
                migrations.CreateModel(
                    name='Webhook',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('participant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='webhooks', to='accounts.participant')),
                        ('url', models.URLField(max_length=400)),
                        ('events', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, help_text='empty: every event', size=None)),
                        ('active', models.BooleanField(default=True)),
                        ('generation', models.PositiveIntegerField(default=1, help_text='goes up when the secret is changed')),
                        ('created_at', models.DateTimeField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('participant', 'url'), name='webhook_url_once_a_participant')],
                    },
                ),
                migrations.CreateModel(
                    name='WebhookDelivery',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('webhook', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='jobs.webhook')),
                        ('delivery_id', models.UUIDField(unique=True)),
                        ('event', models.CharField(max_length=40)),
                        ('body', models.JSONField()),
                        ('state', models.CharField(choices=[('PENDING', 'to be delivered'), ('DELIVERED', 'delivered'), ('REFUSED', 'refused by the receiver')], default='PENDING', max_length=9)),
                        ('attempts', models.PositiveSmallIntegerField(default=0)),
                        ('answer', models.CharField(blank=True, help_text='of the last try', max_length=200)),
                        ('created_at', models.DateTimeField()),
                        ('delivered_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'verbose_name_plural': 'webhook deliveries',
                    },
                ),
            ],
        ),
    ]
