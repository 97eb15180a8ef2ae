"""A cloud for the laboratory: EC2 and IAM by moto, whose instances become machines of the lab.

Run on the lab's client as `python fake_ec2.py PORT`. moto answers the API on 10.77.0.1; this loop
does what the cloud would do besides. An instance that moto has started gets a machine of the lab
that is still free: its private and its public address, and the public half of its key pair. One
that was terminated loses its power. moto's default network is 172.31.0.0/16, so the client is given
an address in it, and is the machines' way out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ADDRESS = "10.77.0.1"
GATEWAY = "172.31.0.1"
NAMESPACES = ("--net", "--mount", "--pid", "--uts")


def main(port: int) -> None:
    """Serves until it is killed."""
    os.environ.update(MOTO_IAM_LOAD_MANAGED_POLICIES="true", MOTO_EC2_LOAD_DEFAULT_AMIS="true")
    from moto.server import ThreadedMotoServer

    ThreadedMotoServer(ip_address=ADDRESS, port=port, verbose=False).start()
    _run("ip", "addr", "add", f"{GATEWAY}/16", "dev", "br0")
    free = [line.split()[1] for line in Path("/tmp/pids").read_text().splitlines()]
    machines: dict[str, str] = {}
    while True:
        for instance in _instances():
            state = instance.state
            if state in ("pending", "running") and instance.id not in machines:
                machines[instance.id] = free.pop(0)
                _begin(machines[instance.id], instance)
            elif state == "terminated" and machines.get(instance.id):
                _run("kill", "-9", machines[instance.id])
                machines[instance.id] = ""
        time.sleep(0.3)


def _instances() -> list[Any]:
    """moto's own record of each instance, of all accounts and regions."""
    from moto.ec2.models import ec2_backends

    return [
        instance
        for regions in list(ec2_backends.values())
        for backend in list(regions.values())
        for reservation in list(backend.reservations.values())
        for instance in reservation.instances
    ]


def _begin(machine: str, instance: Any) -> None:
    """A machine becomes an instance."""
    key = instance.ec2_backend.key_pairs[instance.key_name].material_public.decode()
    lines = [
        f"echo '{key.strip()}' >> /srv/home/.ssh/authorized_keys",
        f"ip addr add {instance.private_ip}/16 dev eth0",
        f"ip route replace default via {GATEWAY}",
        f"ip addr add {instance.public_ip}/32 dev eth0",
    ]
    for line in lines:
        _run("nsenter", "--target", machine, *NAMESPACES, "--", "sh", "-c", line)
    _run("ip", "route", "add", f"{instance.public_ip}/32", "dev", "br0")
    print(f"{instance.id} {instance.private_ip} {instance.public_ip} {machine}", flush=True)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
