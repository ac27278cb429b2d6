"""The command line in a process of its own, which may be killed: started anew, or forked from one that has loaded it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

Ended = subprocess.CompletedProcess[str]
Process = Callable[..., Ended]
MAIN = "import sys; from veridical.__main__ import main; sys.argv[0] = 'veridical'; main()"
KILLED = "import os, signal; os.{} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"  # at the first call of a function


def process(folder: Path, *arguments: str, before: str = "", **options: Any) -> Ended:
    """Return how a command ended; `before` is what its process does first, and `options` are those of `subprocess.run`."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    command = [sys.executable, "-c", before + MAIN, *arguments]
    return subprocess.run(command, cwd=folder, text=True, check=False, timeout=120, **streams)


class Forks:
    """Commands in processes of their own that need not load the program, which takes most of the time of a small command.

    They are children of one process that has loaded it and does nothing else. Called as `process` is, with its streams alone.
    """

    def __init__(self) -> None:
        self.channel, there = socket.socketpair()
        self.channel.settimeout(120)
        command = [sys.executable, __file__, str(there.fileno())]
        self.parent = subprocess.Popen(command, pass_fds=[there.fileno()])
        there.close()

    def __call__(self, folder: Path, *arguments: str, before: str = "", stdout: Any = -1, stderr: Any = -1) -> Ended:
        with TemporaryFile() as out, TemporaryFile() as err, open(os.devnull, "rb") as nothing:
            output, errors = (
                own if given == subprocess.PIPE else inherited if given is None else given
                for given, own, inherited in ((stdout, out, 1), (stderr, err, 2))
            )
            streams = [stream if isinstance(stream, int) else stream.fileno() for stream in (nothing, output, errors)]
            task = {"folder": str(folder), "arguments": arguments, "before": before}
            socket.send_fds(self.channel, [json.dumps(task).encode()], streams)
            status = json.loads(self.channel.recv(100))
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read().decode())
        return Ended(list(arguments), status, *texts)

    def close(self) -> None:
        """End the parent."""
        self.channel.close()
        self.parent.wait()


def serve(channel: socket.socket) -> None:
    """Fork a process for every command that is asked for, in which this returns, and say how it ended, until nobody asks."""
    while True:
        message, streams, *_ = socket.recv_fds(channel, 2**16, 3)
        if not message:
            sys.exit()
        child = os.fork()
        if child == 0:
            order = json.loads(message)
            os.chdir(order["folder"])
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            os.closerange(3, max(streams) + 1)
            sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
            sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
            sys.argv = ["veridical", *order["arguments"]]
            exec(order["before"], {})
            return
        for stream in streams:
            os.close(stream)
        channel.send(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, without those that a process left while it wrote them."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


if __name__ == "__main__":
    import veridical.cli  # noqa: F401 - loaded once
    from veridical.__main__ import main

    serve(socket.socket(fileno=int(sys.argv[1])))
    main()
