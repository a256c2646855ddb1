"""The standards that come with the product (D15), as data: their names, versions, keys, and how they are spoken.

IVOA's that APIs inside a datacenter reuse, and our own two. All words here are ours; the documents that they point to
decide. It holds no code but its own shapes.
"""

from __future__ import annotations

from dataclasses import dataclass

from vosi.draft import EndorsedVersion

IVOA = "https://www.ivoa.net/documents/"


@dataclass(frozen=True)
class Known:
    """A standard; `keys` are (fragment, what it stands for), `interface` (xsi:type, role, use) of what speaks it."""

    ivoid: str
    title: str
    short_name: str
    description: str
    reference_url: str
    versions: tuple[EndorsedVersion, ...]
    keys: tuple[tuple[str, str], ...] = ()
    interface: tuple[str, str, str] = ("vs:ParamHTTP", "std", "base")


def _rec(*versions: str) -> tuple[EndorsedVersion, ...]:
    """Recommendations, the preferred one first."""
    first, *older = versions
    return (EndorsedVersion(first, "rec", "preferred"), *(EndorsedVersion(one, "rec") for one in older))


STANDARDS: tuple[Known, ...] = (
    Known(
        "ivo://ivoa.net/std/TAP", "Table Access Protocol", "TAP",
        "Ask tables by queries in ADQL, at once (sync) or as jobs (async), and read what tables there are.",
        f"{IVOA}TAP/", _rec("1.1", "1.0"), (
            ("aux", "A TAP service that serves the data of a resource registered elsewhere."),
            ("sync-1.1", "The address of synchronous queries alone, version 1.1."),
            ("async-1.1", "The address of the job list alone, version 1.1."),
        )),
    Known(
        "ivo://ivoa.net/std/ConeSearch", "Simple Cone Search", "SCS",
        "The rows of a catalogue within a circle on the sky: parameters RA, DEC and SR in degrees, the answer a VOTable.",
        f"{IVOA}latest/ConeSearch.html", _rec("1.03"), (
            ("aux", "A cone search that serves the data of a resource registered elsewhere."),
        )),
    Known(
        "ivo://ivoa.net/std/SIA", "Simple Image Access", "SIA",
        "Find images by place, wavelength and time; version 1 with one request, version 2 by the parameters of DALI.",
        f"{IVOA}SIA/", _rec("2.0", "1.0"), (
            ("query-2.0", "The query of version 2.0."),
            ("query-aux-2.0", "The query of version 2.0 for the data of a resource registered elsewhere."),
        )),
    Known(
        "ivo://ivoa.net/std/SODA", "Server-side Operations for Data Access", "SODA",
        "Cut what is wanted out of a data product at the server: by place, wavelength, time or polarisation.",
        f"{IVOA}SODA/", _rec("1.0"), (
            ("sync-1.0", "Answers with the data, version 1.0."),
            ("async-1.0", "Makes a job of it (UWS), version 1.0."),
        )),
    Known(
        "ivo://ivoa.net/std/DataLink", "DataLink", "DataLink",
        "What belongs to a data product: a list of links to files and services, each with its meaning.",
        f"{IVOA}DataLink/", _rec("1.1", "1.0"), (
            ("links-1.0", "The list of links, version 1.0."),
            ("links-1.1", "The list of links, version 1.1."),
        )),
    Known(
        "ivo://ivoa.net/std/VOSpace", "VOSpace", "VOSpace",
        "Keep and move files on the network: nodes with properties, and transfers between them and other places.",
        f"{IVOA}VOSpace/", _rec("2.1", "2.0"), (
            ("nodes", "The tree of nodes."),
            ("transfers", "Transfers as jobs."),
            ("sync-2.1", "Transfers that answer at once, version 2.1."),
            ("views", "The forms in which files are taken and given."),
            ("protocols", "The ways in which files are moved."),
            ("properties", "The properties that nodes have."),
        ), ("vs:ParamHTTP", "std", "base")),
    Known(
        "ivo://ivoa.net/std/UWS", "Universal Worker Service", "UWS",
        "Jobs at a server: made, run, waited for and read by one protocol, whatever it is that they do.",
        f"{IVOA}UWS/", _rec("1.1", "1.0"), (
            ("rest-1.1", "The job list over HTTP, version 1.1."),
        )),
    Known(
        "ivo://ivoa.net/std/VOSI", "VO Support Interfaces", "VOSI",
        "What a service says of itself: what it can do, whether it can do it now, which tables it holds.",
        f"{IVOA}VOSI/", _rec("1.1", "1.0"), (
            ("capabilities", "The list of everything that can be asked, this list included."),
            ("availability", "Whether the service works now, and when it will not."),
            ("tables", "The tables that it holds."),
            ("tables-1.1", "The tables that it holds, all or one by name, version 1.1."),
        ), ("vs:ParamHTTP", "std", "full")),
    Known(
        "ivo://ivoa.net/std/Registry", "Registry Interfaces", "Registry",
        "Records of what there is, handed to other registries by OAI-PMH, with their identifiers and sets.",
        f"{IVOA}RegistryInterface/", _rec("1.1", "1.0"), (), ("vg:OAIHTTP", "std", "base")),
    Known(
        "ivo://innerspace/std/container", "Applications in containers, and what runs them", "container",
        "A packaged application that is described by the label of its image, and the runner that gives it the standard "
        "APIs of the datacenter it runs in. Each is an ordinary VOResource service that carries one of the keys.",
        "https://innerspace.example/container", (EndorsedVersion("1.0", "n/a", "preferred"),), (
            ("application-1.0", "A packaged application: the address of its image's manifest in a Docker repository, "
                                "its parameters as the interface's own."),
            ("runner-1.0", "A runner's offer: a JSON document with its limits, network profiles and free slots."),
        ), ("vs:ParamHTTP", "std", "full")),
)
