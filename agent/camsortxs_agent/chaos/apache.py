"""Apache Kafka itself, as one node without ZooKeeper: the reference that the embedded broker stands in for."""

import secrets
import shutil
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from camsortxs_agent.demo.broker import answers
from camsortxs_agent.demo.processes import ChildFailed, child, free_port, tail, wait_until

_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
message.max.bytes=64000000
replica.fetch.max.bytes=64000000
"""


@contextmanager
def apache_kafka(jars: Path, folder: Path, *, timeout: float = 90.0) -> Iterator[str]:
    """Run Apache Kafka from its `jars` on the loopback interface for the length of the block; yield its address.

    Its topics live in `folder`.

    Raises
    ------
    ChildFailed
        When there is no Java, or it does not answer within `timeout` seconds; with the tail of its log.
    """
    java = shutil.which("java")
    if java is None:
        raise ChildFailed("Apache Kafka needs Java 17, and there is none on the path")
    port, log = free_port(), folder / "kafka.log"
    properties = folder / "server.properties"
    properties.write_text(_PROPERTIES.format(port=port, controller=free_port(), data=folder / "topics"))
    run = [java, "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{jars.resolve()}/*"]
    cluster = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    formatting = [*run, "kafka.tools.StorageTool", "format", "-t", f"c{cluster[1:]}", "-c", str(properties)]
    with log.open("ab") as output:
        if subprocess.run(formatting, stdout=output, stderr=output, check=False).returncode:  # noqa: S603 - our own
            raise ChildFailed(f"Apache Kafka cannot begin:\n{tail(log)}")
    with child([*run, "kafka.Kafka", str(properties)], log=log, patience=10.0) as process:
        wait_until(lambda: answers(port), process=process, name="Apache Kafka", log=log, timeout=timeout)
        yield f"127.0.0.1:{port}"
