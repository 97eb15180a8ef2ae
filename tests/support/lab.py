"""A laboratory of several machines on one: namespaces with addresses, sshd and files of their own.

`ray up` is about machines: it goes to them over SSH, starts Ray there, and Ray's sockets, ports and
deaths are those of machines. So the tests of cluster files run it between machines, made of Linux
namespaces by `lab.sh`: each has its own network card and address (10.77.0.11, ...) on one bridge,
its own processes, /tmp, /dev/shm and home. The Python environment and this repository are the same
files everywhere; `/srv/shared` is a folder that all share, as a cluster's network disk. The client,
on which a user would type, is one more machine, 10.77.0.1.

`Machine.run` runs a command as a login shell there would. `kill` is a machine that loses its power:
all its processes are gone at once, and the network says so. `unplug` is one that vanishes: nothing
says anything any more. Everything ends with the block in which the lab was opened.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path("/srv/shared")
"""The folder that all machines share, as they see it."""
KEY = "/srv/home/.ssh/lab"
"""The client's private key, which opens every machine."""
_NAMESPACES = ("--net", "--mount", "--pid", "--uts")
_PROGRAMS = ("unshare", "nsenter", "ip", "rsync", "ssh", "ssh-keygen", "/usr/sbin/sshd")
START_SECONDS = 60
ENVIRONMENT = "xstilts-env"
"""The virtual environment in a machine's home, where the cluster files put it."""
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"


def missing() -> str:
    """Why there can be no laboratory here; empty where there can."""
    if os.geteuid() != 0:
        return "a laboratory of namespaces needs root"
    lacking = [program for program in _PROGRAMS if not shutil.which(program)]
    if lacking:
        return f"a laboratory needs {', '.join(lacking)}"
    asked = ["unshare", *_NAMESPACES, "--fork", "--mount-proc", "--kill-child", "--"]
    tried = subprocess.run(
        [*asked, "sh", "-c", "ip link add br0 type bridge && mount -t tmpfs none /srv"],
        capture_output=True,
        text=True,
    )
    return f"no namespaces can be made here: {tried.stderr.strip()}" if tried.returncode else ""


@dataclass
class Ended:
    """What a command said, both of its streams as they came, and how it ended."""

    code: int
    text: str


@dataclass
class Machine:
    """One machine of the lab."""

    number: int
    lab: Lab = field(repr=False)

    @property
    def address(self) -> str:
        """Its address on the lab's network."""
        return f"10.77.0.{self.number}"

    @property
    def _enter(self) -> list[str]:
        client = ["nsenter", "--target", str(self.lab.process), *_NAMESPACES, "--"]
        if self.number == 1:
            return client
        return [*client, "nsenter", "--target", self.lab.inside(self), *_NAMESPACES, "--"]

    def command(self, line: str) -> list[str]:
        """What runs a line here as its user's login shell does."""
        clean = ["env", "-i", "HOME=/srv/home", "TERM=dumb", "LANG=C.UTF-8", "USER=root"]
        clean.append("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        return [*self._enter, *clean, "bash", "-lc", f"cd; {line}"]

    def run(self, line: str, seconds: float = 60) -> Ended:
        """Runs a line to its end. Raises AssertionError where that takes too long."""
        with subprocess.Popen(
            self.command(line),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            try:
                text, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                with suppress(subprocess.TimeoutExpired):
                    text, _ = process.communicate(timeout=5)
                raise AssertionError(f"{line}\ndid not end in {seconds:g} s") from None
        return Ended(process.returncode, text)

    def done(self, line: str, seconds: float = 60) -> str:
        """Runs a line that must succeed; what it said."""
        ended = self.run(line, seconds)
        assert ended.code == 0, f"{self.address}$ {line}\nexit code {ended.code}\n{ended.text}"
        return ended.text

    def start(self, line: str, log: Path) -> subprocess.Popen[bytes]:
        """Starts a line that goes on; `log`, a path of the test, gets what it says."""
        with log.open("wb") as out:
            return subprocess.Popen(
                self.command(line), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )

    def write(self, path: str, text: str) -> None:
        """Writes a file here."""
        line = f"mkdir -p {os.path.dirname(path)} && cat > {path}"
        subprocess.run(self.command(line), input=text, text=True, check=True)

    def kill(self) -> None:
        """Power off: every process here ends now. The machine does not come back."""
        self.lab.client.done(f"kill -9 {self.lab.inside(self)}")

    def crash(self) -> None:
        """Every process of Ray and of ours ends now; the machine itself goes on."""
        ours = "ps -eo pid=,args= | grep -E 'ray|xstilts|python' | grep -vE 'bash -lc|grep'"
        self.done(f"kill -9 $({ours} | awk '{{print $1}}')")

    def unplug(self) -> None:
        """Takes the network away; its processes go on and hear nothing."""
        self.lab.client.done(f"ip link set v{self.number} down")

    def plug(self) -> None:
        """Gives the network back."""
        self.lab.client.done(f"ip link set v{self.number} up")


class Lab:
    """The machines, and the client among them."""

    def __init__(self, folder: Path, process: int, pids: Mapping[int, str]) -> None:
        """`process`: that of the client's namespaces, as this machine counts; `pids`: those of the
        machines, as the client counts.
        """
        self.folder, self.process, self._pids = folder, process, pids
        self.client = Machine(1, self)
        self.machines = [Machine(number, self) for number in pids]

    @property
    def shared(self) -> Path:
        """The folder that all machines share, as the test sees it."""
        return self.folder / "shared"

    def inside(self, machine: Machine) -> str:
        """The process that holds a machine, as the client counts."""
        return self._pids[machine.number]


@contextmanager
def lab(
    folder: Path, machines: Sequence[int] = (11, 12, 13), variables: Mapping[str, str] | None = None
) -> Iterator[Lab]:
    """Machines for the block. `variables`: what every login shell has besides PATH and PYTHONPATH.
    A negative number is a machine without an address.
    """
    _homes(folder, [1, *map(abs, machines)], variables or {})
    script = Path(__file__).with_name("lab.sh")
    log = folder / "lab.log"
    started = ["unshare", *_NAMESPACES, "--fork", "--mount-proc", "--kill-child", "--"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*started, "bash", str(script), str(folder), *map(str, machines)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        pids = _ready(folder / "n1" / "tmp" / "pids", process, log)
        yield Lab(folder, _child(process.pid), pids)
    finally:
        process.kill()
        process.wait()


def _homes(folder: Path, numbers: Sequence[int], variables: Mapping[str, str]) -> None:
    """Each machine's home and /tmp, with the one key of the lab."""
    key = folder / "key"
    asked = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(key)]
    subprocess.run(asked, check=True)
    lines = [f"export {name}={value}" for name, value in variables.items()]
    for number in numbers:
        place = folder / f"n{number}"
        ssh = place / "home" / ".ssh"
        ssh.mkdir(parents=True, mode=0o700)
        (place / "tmp").mkdir()
        _environment(place / "home" / ENVIRONMENT)
        shutil.copy(key.with_suffix(".pub"), ssh / "authorized_keys")
        (place / "home" / ".bashrc").write_text("".join(f"{line}\n" for line in lines))
        (place / "home" / ".profile").write_text(". ~/.bashrc\n")
    for suffix in ("", ".pub"):
        shutil.copy(f"{key}{suffix}", folder / "n1" / "home" / ".ssh" / f"lab{suffix}")


def _environment(folder: Path) -> None:
    """A virtual environment that has every package of this one but xstilts itself: what a machine
    is told to install of these is there already, and what it installs is its own.
    """
    home = f"/srv/home/{ENVIRONMENT}"
    programs, packages = folder / "bin", folder / "lib" / VERSION / "site-packages"
    for made in (programs, packages):
        made.mkdir(parents=True)
    base = Path(sys.base_prefix) / "bin" / VERSION
    (folder / "pyvenv.cfg").write_text(f"home = {base.parent}\n")
    (packages / "all.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    for name in ("python", "python3", VERSION):
        (programs / name).symlink_to(base)
    for program in ("ray", "mlflow"):
        text = (Path(sys.executable).parent / program).read_text().partition("\n")[2]
        (programs / program).write_text(f"#!{home}/bin/python\n{text}")
        (programs / program).chmod(0o755)
    if aws := aws_program():
        (programs / "aws").symlink_to(aws)


def aws_program() -> str | None:
    """AWS's own command line: beside the Python that this environment was made of, or in PATH."""
    beside = Path(sys.base_prefix) / "bin" / "aws"
    return str(beside) if beside.exists() else shutil.which("aws")


def _ready(path: Path, process: subprocess.Popen[bytes], log: Path) -> dict[int, str]:
    """The machines' processes, once all answer."""
    until = time.monotonic() + START_SECONDS
    while not path.exists():
        assert process.poll() is None, f"the lab ended:\n{log.read_text('utf-8', 'replace')}"
        assert time.monotonic() < until, f"no lab in time:\n{log.read_text('utf-8', 'replace')}"
        time.sleep(0.1)
    pairs = (line.split() for line in path.read_text().splitlines())
    return {int(number): pid for number, pid in pairs}


def _child(process: int) -> int:
    """The one child of `unshare`, which is the first process of its namespaces."""
    return int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])
