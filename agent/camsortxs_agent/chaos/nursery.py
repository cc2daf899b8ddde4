"""Agents that begin in a blink: one process compiles the features, and every agent is a fork of it.

Compiling takes ten seconds of one core, and a soak starts hundreds of agents. Each fork is a process of its own, with a
command line of its own, its own connections and its own end; only what is compiled is there already.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import typer

from camsortxs_agent.demo.processes import ChildFailed, end, tail


@dataclass(frozen=True, kw_only=True)
class Nursery:
    """A running nursery."""

    process: subprocess.Popen[bytes]
    log: Path

    def bear(self, arguments: Sequence[str], *, log: Path) -> int:
        """Start `camsortxs-agent ARGUMENTS`, its output in `log`; return its process id.

        Raises
        ------
        ChildFailed
            When the nursery is gone.
        """
        return int(self._ask({"arguments": list(arguments), "log": str(log)})["pid"])

    def fates(self) -> dict[int, int]:
        """Return which agents have ended since it was asked last, with their exit codes (-9: killed).

        Raises
        ------
        ChildFailed
            When the nursery is gone.
        """
        return {int(pid): code for pid, code in self._ask({})["ended"].items()}

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None  # noqa: S101 - both are pipes
        assert self.process.stdout is not None  # noqa: S101
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        if not answer:
            raise ChildFailed(f"the nursery ended:\n{tail(self.log)}")
        reply: dict[str, Any] = json.loads(answer)
        return reply


@contextmanager
def open_nursery(
    *, log: Path, clock: Path | None = None, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Nursery]:
    """Run a nursery for the length of the block; its agents end with it, and live in this `environment` beside ours.

    The file `clock`, where there is one, holds the seconds by which the wall clock of all its agents is wrong.
    """
    command = [sys.executable, "-m", "camsortxs_agent.chaos.nursery", *([str(clock)] if clock else [])]
    wanted = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **environment}
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - the command is our own
            ["/usr/bin/env", *(f"{name}={value}" for name, value in wanted.items()), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield Nursery(process=process, log=log)
    finally:
        end(process)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def main(clock: str | None = None) -> None:
    """Bear an agent for each line of standard input."""
    if clock is not None:
        from camsortxs_agent.chaos import clock as wrong

        wrong.follow(Path(clock))
    from camsortxs.classifiers.bundle import default_bundle, load_bundle
    from camsortxs.classifiers.embeddings import chain_of
    from camsortxs_agent.__main__ import app

    chain_of(load_bundle(default_bundle())).warm_up()
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any]
        if "arguments" in request:
            pid = os.fork()
            if pid == 0:
                _live(app, request["arguments"], request["log"])
            answer = {"pid": pid}
        else:
            answer = {"ended": dict(_ended())}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _ended() -> Iterator[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def _live(app: typer.Typer, arguments: Sequence[str], log: str) -> NoReturn:
    """Be an agent, from its command line to its exit code."""
    code = 70
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for ours, standard in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(ours, standard)
        app(args=list(arguments), prog_name="camsortxs-agent")
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
