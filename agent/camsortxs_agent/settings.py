"""The settings of the agent: one tree, from a TOML file below `CAMSORTXS_*` environment variables.

The only file of the project that reads the environment.
"""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

Positive = Annotated[float, Field(gt=0)]


class SettingsInvalid(ValueError):
    """The settings cannot be used; the message says which field and what to do."""


class Section(BaseModel):
    """A part of the tree."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


class KafkaSettings(Section):
    """Where documents come from and results go to."""

    bootstrap_servers: str = Field("127.0.0.1:9092", description="Comma-separated host:port of the brokers.")
    topics: tuple[str, ...] = Field(
        ("demo.bluesky.runengine.documents",), min_length=1, description="Topics with Bluesky documents."
    )
    group_id: str = Field("camsortxs", min_length=1, description="Consumer group; agents of one group share the work.")
    results_topic: str = Field("demo.bluesky.camsortxs.documents", description="Topic of our own documents.")
    dead_letter_topic: str = Field("demo.bluesky.camsortxs.dead-letters", description="Topic of refused messages.")
    security_protocol: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    sasl_mechanism: str | None = Field(None, description="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, GSSAPI, OAUTHBEARER.")
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_ca_location: Path | None = None
    ssl_certificate_location: Path | None = None
    ssl_key_location: Path | None = None
    ssl_key_password: SecretStr | None = None
    session_timeout_seconds: Positive = 10.0
    queue_batches: int = Field(4, gt=0, description="Batches read ahead; then partitions are paused.")
    run_age_hours: Positive = Field(
        24.0, description="A run without a stop document is finished as incomplete this long after its start."
    )
    max_message_bytes: int = Field(64_000_000, gt=0, description="Larger messages are refused, not decoded.")
    extra: dict[str, str] = Field(
        default_factory=dict, description="Further librdkafka properties, as they are; no secrets in here."
    )

    @field_validator("extra")
    @classmethod
    def _no_secrets(cls, extra: dict[str, str]) -> dict[str, str]:
        for name in extra:
            if any(word in name for word in ("password", "passphrase", "secret", "key.pem")):
                raise ValueError(f"{name} is a secret: use sasl_password or ssl_key_password, best in the environment")
        return extra

    @model_validator(mode="after")
    def _sasl_is_whole(self) -> Self:
        if self.security_protocol.startswith("sasl") and self.sasl_mechanism is None:
            raise ValueError(f"security_protocol {self.security_protocol} needs sasl_mechanism, SCRAM-SHA-512 say")
        if {self.results_topic, self.dead_letter_topic} & set(self.topics):
            raise ValueError("results_topic and dead_letter_topic cannot be among topics: we would read ourselves")
        return self


class TiledSettings(Section):
    """Where records and indexes are written."""

    uri: str = Field("http://127.0.0.1:8000", description="Tiled URI, or a Tiled/databroker profile name.")
    api_key: SecretStr | None = Field(
        None,
        description="Scopes: read:*, create:node, write:metadata, write:data, delete:node, delete:revision."
        " Best as CAMSORTXS_TILED__API_KEY.",
    )
    raw_path: str = Field("", description="Container of the raw runs; empty for the root.")
    results_path: str = Field("camsortxs", description="Container of our records; made when it is not there.")
    write_start: bool = Field(
        False,
        description="Put the index into the start document where a catalogue (databroker on MongoDB) keeps no metadata"
        " beside it; otherwise such runs get a record only.",
    )
    poll_seconds: Positive = Field(
        10.0, description="How often the catalogue is looked at where it is the source; its notifications come at once."
    )
    index_patience_seconds: Positive = Field(
        30.0, description="How long a raw run may take to show as complete in Tiled after its stop document."
    )

    @field_validator("uri")
    @classmethod
    def _no_key_in_it(cls, uri: str) -> str:
        if "api_key=" in uri or "@" in uri:
            raise ValueError("addresses are logged: put the key into tiled.api_key (CAMSORTXS_TILED__API_KEY) instead")
        return uri

    @field_validator("api_key")
    @classmethod
    def _letters_and_digits(cls, key: SecretStr | None) -> SecretStr | None:
        # Anything else Tiled's client refuses, or httpx does: with the key in what it says.
        if key and not key.get_secret_value().isalnum():
            raise ValueError("a key of Tiled is letters and digits: is there a space or the end of a line in it?")
        return key


class ReconcileSettings(Section):
    """The sweep of the catalogue for complete runs that the live line never saw."""

    every_minutes: float = Field(60.0, ge=0, description="How often the catalogue is swept; 0 for never.")
    after_minutes: float = Field(
        30.0, ge=0, description="How long after its stop document a run is left to the live line."
    )
    limit: int = Field(200, gt=0, description="Runs a sweep; the next one goes on where it ended.")


class ModelSettings(Section):
    """Which bundle classifies."""

    path: Path | None = Field(
        None,
        description="Folder of a bundle, or of models with a champion.json; the shipped champion when there is none.",
    )
    watch_seconds: float = Field(
        5.0,
        ge=0,
        description="How often to look whether bundle or pointer have changed, to load the new one; 0: on SIGHUP.",
    )
    threshold: float | None = Field(None, ge=0, le=1, description="Overrides the bundle's own threshold.")
    challenger: Path | None = Field(
        None,
        description="Folder of a bundle, or of models with a champion.json, that looks at the same frames: what it says"
        " is counted and recorded, never acted on.",
    )
    drift_frames: int = Field(
        1000, ge=0, description="Frames of late whose features are compared with those of the training; 0 for none."
    )
    drift_frames_a_run: int = Field(5, gt=0, description="So many of each run and detector are among them.")
    device: Literal["auto", "cpu", "gpu"] = Field(
        "auto",
        description="Where features are computed. `gpu` needs Keras and a backend; `auto` takes it if it is there.",
    )


class PixelSettings(Section):
    """Where detector files may be read."""

    roots: tuple[Path, ...] = Field((), description="Only files below these folders, links resolved, are opened.")
    path_map: dict[str, str] = Field(
        default_factory=dict, description="Prefix in the documents -> prefix on this machine."
    )
    late_file_seconds: float = Field(30.0, ge=0, description="How long to wait for a file that is not there yet.")


class BatchSettings(Section):
    """How much goes down the line at once."""

    frames: int = Field(32, gt=0)
    wait_seconds: Positive = Field(0.25, description="A batch that is not full goes after this long.")
    workers: int | None = Field(
        None,
        gt=0,
        description="Frames looked at at once, each by a process if more than one; one a core, if not given.",
    )


class DeadLetterSettings(Section):
    """Where refused messages are kept beside the topic."""

    path: Path = Field(Path("dead-letters.jsonl"), description="JSON lines, one refused message each.")


class HttpSettings(Section):
    """Where /metrics, /healthz and /readyz are served."""

    host: str = "127.0.0.1"
    port: int = Field(9108, ge=0, le=65535, description="0 takes a free port.")


class LogSettings(Section):
    """How events are logged, to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Settings(BaseSettings):
    """The whole tree. Environment variables (`CAMSORTXS_KAFKA__GROUP_ID=...`) go before the file.

    >>> Settings().batch.frames
    32
    """

    model_config = SettingsConfigDict(
        env_prefix="CAMSORTXS_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        title="camSortXS agent",
    )

    source: Literal["kafka", "tiled"] = Field(
        "kafka", description="Where runs are heard of: documents on Kafka, or the catalogue itself, at sites without."
    )
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    tiled: TiledSettings = Field(default_factory=TiledSettings)
    reconcile: ReconcileSettings = Field(default_factory=ReconcileSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    pixels: PixelSettings = Field(default_factory=PixelSettings)
    batch: BatchSettings = Field(default_factory=BatchSettings)
    dead_letters: DeadLetterSettings = Field(default_factory=DeadLetterSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment go before the file (which `load` passes in as initial values), and read nothing else."""
        return env_settings, init_settings

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read `path` (TOML), below the environment.

        Raises
        ------
        SettingsInvalid
            Naming the field and the problem, never a secret's value.
        """
        try:
            return cls(**(tomllib.loads(path.read_text(encoding="utf-8")) if path else {}))
        except OSError as error:
            raise SettingsInvalid(f"{path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SettingsInvalid(f"{path} is not text in UTF-8, as TOML is") from error
        except tomllib.TOMLDecodeError as error:
            raise SettingsInvalid(f"{path} is not TOML: {error}") from error
        except SettingsError as error:
            raise SettingsInvalid(f"the environment: {error}, which is not the JSON that it should be") from None
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
            raise SettingsInvalid("\n".join([f"{path or 'the environment'}:", *problems])) from None


def schema_json() -> str:
    """Return the JSON Schema of the tree, as `deploy/settings.schema.json` holds it."""
    return json.dumps(Settings.model_json_schema(), indent=2) + "\n"
