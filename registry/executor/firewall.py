"""The rules that leave the containers of an internal network nothing but the gateway's port (decision D14).

An internal bridge cuts containers off the world, not off what listens on all addresses of the host; podman's does not
cut them off each other. Needs root and iptables; where these are missing it says so and does nothing: `registry doctor`
warns.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess

_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
_WAIT = 10  # seconds for one call; iptables itself waits 5 s for others that change the tables
_CHAINS = ("INPUT", "FORWARD")


def rules(interface: str, gateway: str, port: int) -> list[list[str]]:
    """The rules, each behind its chain, in their order of effect.

    Let through to the gateway's port, drop all else from the interface to the host, and from one container to another.
    """
    mark = ["-m", "comment", "--comment", f"innerspace {interface}"]
    return [
        ["INPUT", "-i", interface, "-p", "tcp", "-d", gateway, "--dport", str(port), *mark, "-j", "ACCEPT"],
        ["INPUT", "-i", interface, *mark, "-j", "DROP"],
        ["FORWARD", "-i", interface, "-o", interface, *mark, "-j", "DROP"],
    ]


def close(interface: str, gateway: str, port: int) -> str:
    """Add the rules; adding them again changes nothing. '' when they hold, else a sentence that says why not."""
    problem = _impossible(interface)
    if problem:
        return problem
    if all(_run("-C", *rule)[0] == 0 for rule in rules(interface, gateway, port)):
        return ""  # taking them away to set them again would leave a gap
    open_again(interface)  # rules of another port or address would come first
    for chain, *rule in reversed(rules(interface, gateway, port)):
        answer = _iptables("-I", chain, "1", *rule)
        if answer:
            open_again(interface)
            return f"The firewall rule for {interface} cannot be set: {answer}"
    return ""


def open_again(interface: str) -> None:
    """Remove every rule that names the interface as ours; nothing happens where there is none."""
    if _impossible(interface):
        return
    for rule in _ours(interface):
        _iptables("-D", *rule)


def holds(interface: str) -> bool:
    """Whether the rules are in force."""
    if _impossible(interface):
        return False
    return len(_ours(interface)) == len(rules(interface, "", 0))


def _impossible(interface: str) -> str:
    if not interface:
        return "This engine's networks have no interface on this host, so no firewall rule is needed or possible."
    if os.geteuid() != 0:
        return "Only root can set the firewall rule that bars containers from this host's ports."
    if not _program():
        return "There is no iptables here: containers on network dc reach what listens on all of this host's addresses."
    return ""


def _program() -> str:
    return shutil.which("iptables", path=_PATH) or ""


def _ours(interface: str) -> list[list[str]]:
    """The arguments of every rule in force that is marked as ours for this interface."""
    listed = [line for chain in _CHAINS for line in _run("-S", chain)[1].splitlines()]
    return [shlex.split(line)[1:] for line in listed if f'"innerspace {interface}"' in line]


def _iptables(*arguments: str) -> str:
    """Change the rules; '' or why it did not work."""
    code, said = _run(*arguments)
    return "" if code == 0 else said.strip() or f"iptables ended with {code}"


def _run(*arguments: str) -> tuple[int, str]:
    command = [_program(), "-w", "5", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_WAIT)
    except (OSError, subprocess.TimeoutExpired) as error:
        return -1, str(error)
    return done.returncode, done.stdout or done.stderr
