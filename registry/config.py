"""Every setting of one datacenter: its default, its unit, one sentence on what it is for.

A value comes from the environment (INNERSPACE_PORT and the like), else from `config.toml` in the instance
folder, else from here. This module decides nothing with them.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from registry import data_sets
from registry.data_sets import DataSet
from registry.errors import Refusal
from registry.oidc.settings import Provider

CONFIG_FILE = "config.toml"
ENV_PREFIX = "INNERSPACE_"


class ConfigError(Refusal):
    """The configuration cannot be used; the message names the key, the file and what would do."""


class Settings(BaseSettings):
    """One datacenter's settings; frozen, so that every process of it works with the same."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    instance: Path = Field(Path("instance"), description="Folder of the database, results, keys and run files.")
    instance_name: str = Field(
        "", pattern=r"^[a-z0-9]{0,20}$",
        description="Short name in container and network names; made from the instance's identifier when empty.",
    )
    title: str = Field("Inner Space", description="The datacenter's name on pages and in its registry record.")
    authority: str = Field("", description="Our IVOA authority identifier, without ivo://.")
    base_url: str = Field(
        "http://127.0.0.1:8080/",
        description="Public address of this service, with its path; never taken from a request.",
    )
    host: str = Field("127.0.0.1", description="Address the web process listens on.")
    port: int = Field(8080, ge=1, le=65535, description="Port the web process listens on.")
    trusted_proxy: str = Field(
        "", pattern=r"^[^\s,]*$",
        description="Address of the proxy in front, whose X-Forwarded-For tells who asks; * where only proxies reach the port.",
    )
    trusted_proxy_count: int = Field(1, ge=1, le=10, description="Proxies of ours that a request comes through.")
    metrics_networks: list[str] = Field(
        default_factory=list,
        description="Networks (CIDR) whose hosts may read /metrics without an account; readers always may.",
    )
    threads: int = Field(12, ge=2, description="Web threads; at most half of them may wait in a blocking request.")
    database_url: str = Field("", description="SQLAlchemy URL; empty means SQLite in the instance folder.")
    xsd_folder: Path | None = Field(None, description="Another folder of XML schemas with a catalog.json.")
    page_size: int = Field(200, ge=1, le=1000, description="Records on one OAI-PMH page.")
    token_lifetime: int = Field(86400, ge=60, description="Seconds for which a resumption token is good.")
    admin_email: str = Field("", description="Address in OAI-PMH Identify and in the founding records.")

    docker_host: str = Field("", description="Docker engine's address; empty means DOCKER_HOST or the local socket.")
    repository: str = Field("127.0.0.1:5000", description="This site's Docker repository, host:port.")
    allowed_repositories: list[str] = Field(
        default_factory=list, description="Docker repositories images may be pulled from besides our own.",
    )
    accepted_publishers: list[str] = Field(
        default_factory=list, description="Authorities whose applications may run here besides our own.",
    )
    watched_repositories: list[str] = Field(
        default_factory=list, description="Docker repositories, of those allowed, whose new images become drafts.",
    )
    repository_interval: int = Field(
        300, ge=5, description="Seconds between two looks at a watched Docker repository.",
    )
    two_person_rule: bool = Field(
        False, description="Whether an image is offered only after another person than its publisher has approved it.",
    )
    allowed_networks: list[str] = Field(
        default_factory=list,
        description="Internal networks (CIDR) that harvests, imports and the gateway may reach; public ones always.",
    )
    allowed_ports: list[int] = Field(
        default_factory=list, description="Ports of outbound HTTP besides those above 1023, 80 and 443.",
    )
    data: dict[str, DataSet] = Field(
        default_factory=dict,
        description="Data sets that applications may ask for, by name: path or volume, title, roles that may use it.",
    )
    gateway_port: int = Field(8765, ge=1, le=65535, description="Port of the gateway on the dc network's address.")
    firewall: bool = Field(True, description="As root, bar containers from every host port but the gateway's.")

    anonymous_jobs: bool = Field(True, description="Whether jobs may be submitted without an account.")
    free_space: int = Field(
        512 * 2**20, ge=0,
        description="Bytes that must be free on the instance's disk, and on the engine's where it is here, for a job to start.",
    )
    running_jobs: int = Field(4, ge=1, description="Containers that run at once.")
    queued_jobs: int = Field(1000, ge=1, description="Jobs of one owner that may wait to be run; more are refused.")
    owner_running_jobs: int = Field(0, ge=0, description="Jobs of one owner that run at once; 0 is without limit.")
    owner_core_hours: float = Field(
        0.0, ge=0, description="Core-hours of one owner's jobs within usage_window; 0 is without limit.",
    )
    usage_window: int = Field(
        86400, ge=3600, le=31 * 86400, description="Seconds for which what a job has used counts for its owner.",
    )
    short_job: int = Field(60, ge=0, description="Seconds of executionDuration up to which a job counts as short.")
    short_head_start: int = Field(
        3600, ge=0, description="Seconds by which a short job is queued as if it had come earlier.",
    )
    elsewhere_wait: int = Field(
        86400, ge=60, description="Seconds within which another datacenter must begin a job that it was sent, or it is an error.",
    )
    job_cores: float = Field(1.0, gt=0, description="Cores of a job that does not ask for more or less.")
    job_memory: int = Field(512 * 2**20, ge=2**24, description="Bytes of memory of a job that does not ask.")
    job_processes: int = Field(128, ge=2, description="Processes and threads of a job that does not ask.")
    job_disk: int = Field(256 * 2**20, ge=2**20, description="Bytes of results of a job that does not ask.")
    job_log: int = Field(2**20, ge=2**12, description="Bytes kept of stdout, and of stderr; a job may ask.")
    job_time: int = Field(3600, ge=1, description="Seconds that a job may execute when it does not ask.")
    job_cores_max: float = Field(0.0, ge=0, description="Most cores of a job; 0: no more than job_cores.")
    job_memory_max: int = Field(0, ge=0, description="Most bytes of memory of a job; 0: no more than job_memory.")
    job_processes_max: int = Field(0, ge=0, description="Most processes of a job; 0: no more than job_processes.")
    job_disk_max: int = Field(0, ge=0, description="Most bytes of results of a job; 0: no more than job_disk.")
    job_log_max: int = Field(0, ge=0, description="Most bytes kept of stdout, and of stderr; 0: no more than job_log.")
    job_time_max: int = Field(0, ge=0, description="Most seconds that a job may execute; 0: no more than job_time.")
    job_lifetime: int = Field(7 * 86400, ge=60, description="Seconds from creation to destruction of a job.")
    archive_time: int = Field(
        0, ge=0, description="Seconds that a job stays listed as ARCHIVED, without its files, after its destruction.",
    )
    wait_limit: int = Field(60, ge=1, description="Longest blocking wait in seconds.")

    tap_clients: int = Field(4, ge=1, le=100, description="Queries in ADQL that one process answers at once.")
    tap_seconds: int = Field(30, ge=1, description="Seconds that a query under /tap/sync may take.")
    tap_maxrec: int = Field(20000, ge=1, description="Rows of an answer where MAXREC does not say how many.")
    tap_hard_limit: int = Field(1_000_000, ge=1, description="Most rows that MAXREC may ask for.")
    tap_async_clients: int = Field(2, ge=1, le=50, description="Queries under /tap/async that are answered at once.")
    tap_async_seconds: int = Field(600, ge=1, description="Seconds that a query under /tap/async may take.")

    harvest_interval: int = Field(43200, ge=60, description="Seconds between harvests of a source.")
    harvest_full_interval: int = Field(
        30 * 86400, ge=3600, description="Seconds after which a source is asked for everything again, not for changes.",
    )
    harvest_loss: int = Field(
        10, ge=0, le=100,
        description="Percent of a source's records that may vanish from its full list and be deleted without a person's word.",
    )
    harvest_deadline: int = Field(
        6 * 3600, ge=60, description="Seconds after which a harvest makes room for others; it goes on later.",
    )
    harvests_at_once: int = Field(4, ge=1, le=50, description="Sources that are harvested at the same time.")
    fetch_timeout: int = Field(30, ge=1, description="Seconds an outbound connection may stay silent.")
    fetch_deadline: int = Field(300, ge=1, description="Seconds a whole outbound request may take.")
    fetch_limit: int = Field(50 * 2**20, ge=2**10, description="Bytes one outbound response may hold, unpacked.")

    health_interval: int = Field(
        60, ge=1, description="Seconds within which a change of a service's state is known: how often each is looked at.")
    health_grace: int = Field(2, ge=1, description="Looks in a row that must fail before a service counts as down.")
    watch_interval: int = Field(3600, ge=1, description="Seconds between two readings of a service's own documents.")
    webhooks: list[str] = Field(
        default_factory=list,
        description="Addresses that are told, by a POST of JSON, when a service or a source goes down or comes back, "
                    "and of new images that wait for a person.",
    )
    mail_host: str = Field("", description="Mail server (SMTP), host:port, that takes what mail_to is sent.")
    mail_from: str = Field("", description="Address that mail comes from; admin_email when empty.")
    mail_to: list[str] = Field(
        default_factory=list, description="Mail addresses that are told what webhooks are told; they need mail_host.",
    )
    mail_tls: bool = Field(False, description="Whether mail is sent only after STARTTLS, to a server whose certificate is good.")
    internal_hosts: list[str] = Field(
        default_factory=list,
        description="Host names, or .suffixes of them, that are inside this datacenter besides internal addresses.",
    )

    oidc: Provider | None = Field(
        None, description="OpenID Connect provider that people may log in by: issuer, client_id, claims, roles.",
    )
    session_idle: int = Field(8 * 3600, ge=60, description="Seconds after which an idle login ends.")
    session_lifetime: int = Field(7 * 86400, ge=60, description="Seconds after which any login ends.")
    body_limit: int = Field(16 * 2**20, ge=2**12, description="Bytes a request's body may hold.")

    @field_validator("base_url")
    @classmethod
    def _whole_url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value if value.endswith("/") else value + "/"

    @field_validator("metrics_networks")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        for network in value:
            ip_network(network)  # raises ValueError with a sentence
        return value

    @field_validator("data")
    @classmethod
    def _nothing_barred(cls, value: dict[str, DataSet], info: ValidationInfo) -> dict[str, DataSet]:
        fault = data_sets.fault(value, info.data.get("instance", Path()), info.data.get("docker_host", ""))
        if fault:
            raise ValueError(fault)
        return value

    @field_validator("mail_host")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        port = re.fullmatch(r"[^\s@/]+:([0-9]{1,5})", value, re.ASCII)
        if value and not (port and 0 < int(port[1]) < 2**16):
            raise ValueError("must be host:port, like localhost:25")
        return value

    @field_validator("mail_from", "mail_to")
    @classmethod
    def _mail_addresses(cls, value: str | list[str]) -> str | list[str]:
        for address in value if isinstance(value, list) else filter(None, [value]):
            if not re.fullmatch(r"[^\s@,;:<>()\[\]\"\\]+@[^\s@,;:<>()\[\]\"\\]+", address):
                raise ValueError(f"{address!r} is no mail address (name@host)")
        return value

    @field_validator("mail_to")
    @classmethod
    def _mail_can_be_sent(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if value and not info.data.get("mail_host"):
            raise ValueError("needs mail_host, the mail server's host:port")
        if value and not (info.data.get("mail_from") or info.data.get("admin_email")):
            raise ValueError("needs mail_from or admin_email, the address that mail comes from")
        return value

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of sources: explicit values, the environment, the instance's file."""
        instance = Path(init_settings().get("instance", "instance"))
        file = instance / CONFIG_FILE
        toml = (TomlConfigSettingsSource(settings_cls, file),) if file.is_file() else ()
        return (init_settings, env_settings, *toml)

    def url(self, path: str = "") -> str:
        """The public address of `path` (no leading slash) at this service."""
        return self.base_url + path

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the database in use."""
        return self.database_url or f"sqlite:///{self.instance / 'registry.sqlite'}"

    @property
    def engine_name(self) -> str:
        """The instance's name in container and network names: instance_name, else one made from authority and database."""
        if self.instance_name:
            return self.instance_name
        readable = re.sub("[^a-z0-9]", "", self.authority.lower())[:12]
        place = re.sub("//[^@/]*@", "//", self.database)  # a changed password must not orphan what runs
        return readable + hashlib.sha256(f"{self.authority.lower()} {place}".encode()).hexdigest()[:8]

    def most(self, limit: str) -> Any:
        """The most that a job may be given of `limit` (cores, memory, processes, disk, log or time)."""
        return getattr(self, f"job_{limit}_max") or getattr(self, f"job_{limit}")

    def given(self, limit: str) -> Any:
        """What a job is given of `limit` when neither it nor its application asks."""
        return min(getattr(self, f"job_{limit}"), self.most(limit))

    @property
    def publishers(self) -> frozenset[str]:
        """Authorities (lower case) whose applications may run here."""
        return frozenset(name.lower() for name in (self.authority, *self.accepted_publishers) if name)

    @property
    def repositories(self) -> frozenset[str]:
        """Docker repositories (host:port) that images may come from."""
        return frozenset((self.repository, *self.allowed_repositories))


def load(instance: Path, **overrides: Any) -> Settings:
    """The settings of the instance folder `instance`.

    Raises ConfigError with one sentence that names the key at fault.
    """
    try:
        return Settings(instance=instance.absolute(), **overrides)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "?"
        raise ConfigError(
            f"Setting {key!r} of {instance / CONFIG_FILE} (or {ENV_PREFIX}{key.partition('.')[0].upper()}) cannot be used: "
            f"{first['msg']}; correct it and start again."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{instance / CONFIG_FILE} is not TOML: {error}; correct it and start again.") from None
