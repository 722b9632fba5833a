"""One settings module; every value that differs between installations comes from the environment (README)."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from vpp.lib import environment
from vpp.lib.embedded_postgres import EmbeddedPostgres, default_data_dir
from vpp.lib.kept_secret import kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = default_data_dir()

DEBUG = environment.flag("VPP_DEBUG", default=False)
ALLOWED_HOSTS = environment.words("VPP_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = environment.words("VPP_CSRF_TRUSTED_ORIGINS", "")
SECRET_KEY = os.environ.get("VPP_SECRET_KEY") or kept_secret(DATA_DIR / "secret_key", 48)

DATABASES = {"default": environment.database(os.environ.get("DATABASE_URL") or EmbeddedPostgres(DATA_DIR).url())}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Empty: dramatiq's in-memory broker, for one process. amqp://... or redis://... : workers anywhere.
BROKER_URL = os.environ.get("VPP_BROKER_URL", "")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "oauth2_provider",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "vpp.accounts",
    "vpp.jobs",
    "vpp.enrollment",
    "vpp.network",
    "telemetry",
    "forecasting",
    "bidding",
    "vpp.dispatch",
    "vpp.settlement",
    "vpp.uftp",
    "vpp.console",
    "vpp.simulation",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "vpp.accounts.middleware.ContentSecurityPolicyMiddleware",
    "vpp.accounts.middleware.NoNulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "vpp.console.middleware.SignInMiddleware",
    "vpp.console.middleware.AdminZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "vpp.urls"
WSGI_APPLICATION = "vpp.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "vpp.console.context.house_zone",
            ],
        },
    },
]

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "vpp.console.passwords.HouseWordsValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
# The zone of what belongs to no market: jobs, audit trail, statements, bulk changes.
HOUSE_ZONE = environment.zone("VPP_TIME_ZONE", default="Europe/Berlin")
# OWASP ASVS 4.0.3 level 2, chapters 2 and 3: a session ends after 12 hours, or 30 minutes without use.
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_IDLE_S = 60 * environment.integer("VPP_IDLE_MINUTES", default=30, minimum=1)
# Staff without a second factor see nothing but the page that sets it up.
REQUIRE_TWO_FACTOR = environment.flag("VPP_REQUIRE_TWO_FACTOR", default=False)
OTP_TOTP_ISSUER = "Virtual power plant"
OTP_ADMIN_HIDE_SENSITIVE_DATA = True

# Behind TLS: VPP_SECURE=true makes cookies travel over https only.
SECURE = environment.flag("VPP_SECURE", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-sessionid" if SECURE else "sessionid"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "vpp" / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "vpp.console.finders.PlotlyFinder",
]
WHITENOISE_USE_FINDERS = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "vpp.accounts.authentication.ClientTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["vpp.accounts.permissions.IsPrincipal"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["vpp.accounts.parsers.ShallowJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "vpp.accounts.api_errors.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
# POST /oauth2/token with client credentials (docs/utility.md); a token lasts an hour.
OAUTH2_PROVIDER = {
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "SCOPES_BACKEND_CLASS": "vpp.accounts.oauth.ClientScopes",
    "ALLOWED_GRANT_TYPES": ["client_credentials"],
}
# The share of cases in which offered capacity shall be there; forecasts hold envelopes for 0.5 and 0.9.
OFFER_CONFIDENCE = float(os.environ.get("VPP_OFFER_CONFIDENCE", "0.9"))
if OFFER_CONFIDENCE not in (0.5, 0.9):
    raise ImproperlyConfigured(f"VPP_OFFER_CONFIDENCE is {OFFER_CONFIDENCE}, want 0.5 or 0.9")
# Webhooks go to public https addresses only, unless an installation inside one network says otherwise.
WEBHOOK_PRIVATE = environment.flag("VPP_WEBHOOK_PRIVATE", default=False)
# Who we are to UFTP counterparties, in the role AGR (docs/utility.md), and how large a message may be.
UFTP_DOMAIN = os.environ.get("VPP_UFTP_DOMAIN", "agr.vpp.example").strip().lower()
UFTP_LARGEST_BYTES = environment.integer("VPP_UFTP_LARGEST_BYTES", 1_000_000, minimum=10_000)
UFTP_MESSAGES_A_MINUTE = environment.integer("VPP_UFTP_MESSAGES_A_MINUTE", 600, minimum=1)
# A folder with the specification's official XSD files; they are checked beside the built-in rules where it is given.
UFTP_XSD_FOLDER = os.environ.get("VPP_UFTP_XSD_FOLDER", "").strip()

SPECTACULAR_SETTINGS = {
    "TITLE": "Virtual power plant operations",
    "DESCRIPTION": "Sites, devices, readings, asks, bids, commits, dispatches and settlements of an aggregator.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": ["vpp.accounts.api_schema.with_refusals"],
}

# Mail, for alarms: an SMTP server and who is on duty. Without a server the messages go to the log.
EMAIL_HOST = os.environ.get("VPP_SMTP_HOST", "")
EMAIL_PORT = environment.integer("VPP_SMTP_PORT", 587, minimum=1)
EMAIL_HOST_USER = os.environ.get("VPP_SMTP_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("VPP_SMTP_PASSWORD", "")
EMAIL_USE_TLS = environment.flag("VPP_SMTP_TLS", default=True)
EMAIL_TIMEOUT = 15
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
DEFAULT_FROM_EMAIL = os.environ.get("VPP_MAIL_FROM", "vpp@localhost")
ALARM_EMAILS = environment.words("VPP_ALARM_EMAILS", "")

DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
# The one address from which `manage.py web` and `serve` believe X-Forwarded-For and -Proto: that of the TLS proxy.
# Without it every caller has the proxy's address, whose wrong passwords then make all of them wait.
TRUSTED_PROXY = os.environ.get("VPP_TRUSTED_PROXY", "").strip()

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "vpp.accounts.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json" if environment.flag("VPP_JSON_LOGS", default=False) else "plain",
        },
    },
    "root": {"handlers": ["console"], "level": os.environ.get("VPP_LOG_LEVEL", "WARNING").upper()},
}
