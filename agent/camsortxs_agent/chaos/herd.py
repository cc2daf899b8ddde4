"""Agents of one consumer group, and the killer among them."""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from camsortxs_agent.chaos.nursery import Nursery
from camsortxs_agent.demo.agent import write_configuration
from camsortxs_agent.demo.processes import ChildFailed, free_port, tail


@dataclass(kw_only=True)
class Member:
    """An agent that is started again and again, always under the same configuration."""

    configuration: Path
    port: int
    log: Path
    pid: int | None = None

    def readyz(self) -> tuple[int, Mapping[str, str]]:
        """Return the status of `/readyz` and the problems that it tells; status 0 where nobody answers."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False, timeout=5.0)
        except httpx.TransportError:
            return 0, {}
        return answer.status_code, answer.json()["problems"]

    def metrics(self) -> str:
        """Return what `/metrics` says."""
        return httpx.get(f"http://127.0.0.1:{self.port}/metrics", trust_env=False, timeout=5.0).text


@dataclass(kw_only=True)
class Herd:
    """Agents of one group. `kills` counts those that we killed."""

    nursery: Nursery
    members: Sequence[Member]
    kills: int = 0
    _killed: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, nursery: Nursery, settings: Mapping[str, Mapping[str, Any]], *, size: int, folder: Path) -> "Herd":
        """Return a herd of `size` agents with these settings; none is started yet."""
        members = []
        for number in range(size):
            port = free_port()
            path = write_configuration({**settings, "http": {"host": "127.0.0.1", "port": port}}, folder=folder)
            members.append(Member(configuration=path, port=port, log=folder / f"agent-{number}.log"))
        return cls(nursery=nursery, members=members)

    def start(self, member: Member) -> None:
        """Start an agent."""
        member.pid = self.nursery.bear(["run", "--config", str(member.configuration)], log=member.log)

    def kill(self, member: Member) -> None:
        """Kill an agent without warning."""
        assert member.pid is not None  # noqa: S101 - the caller started it
        os.kill(member.pid, signal.SIGKILL)
        self._killed.add(member.pid)
        self.kills += 1
        member.pid = None

    def stop(self) -> list[int]:
        """Ask all agents to end; return their exit codes.

        Raises
        ------
        ChildFailed
            When one does not within 30 seconds.
        """
        waiting = {member.pid for member in self.members if member.pid is not None}
        for pid in waiting:
            os.kill(pid, signal.SIGTERM)
        codes, deadline = [], time.monotonic() + 30.0
        while waiting:
            ended = self.nursery.fates()
            codes += [code for pid, code in ended.items() if pid in waiting]
            waiting -= set(ended)
            if time.monotonic() > deadline:
                raise ChildFailed(f"{len(waiting)} agents do not end")
            time.sleep(0.05)
        for member in self.members:
            member.pid = None
        return codes

    def check(self) -> None:
        """See that nobody has ended whom we did not kill.

        Raises
        ------
        ChildFailed
            When somebody has.
        """
        by_pid = {member.pid: member for member in self.members}
        for pid, code in self.nursery.fates().items():
            if pid not in self._killed:
                log = f":\n{tail(by_pid[pid].log)}" if pid in by_pid else ""
                raise ChildFailed(f"an agent ended by itself with exit code {code}{log}")
            self._killed.discard(pid)

    def wait_ready(self, *, timeout: float = 60.0) -> float:
        """Return how many seconds it took until all say that they are ready; see that all live.

        Raises
        ------
        ChildFailed
            When they do not within `timeout` seconds.
        """
        begun = time.monotonic()
        while not all(member.readyz()[0] == httpx.codes.OK for member in self.members):
            self.check()
            if time.monotonic() - begun > timeout:
                raise ChildFailed(f"not ready after {timeout:.0f} s: {[m.readyz() for m in self.members]}")
            time.sleep(0.05)
        return time.monotonic() - begun
