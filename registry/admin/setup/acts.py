"""What the screens do: check an authority and an address, show what would be published, found the datacenter.

The same functions as `registry init` does it with; pages are made elsewhere.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from registry import access, config, config_file
from registry.admin.setup import keeping
from registry.admin.setup.forms import authority_fault
from registry.errors import Refusal
from registry.fetch import Fetcher, FetchError
from registry.records import authorities, founding
from registry.records.founding import Founding
from registry.search import registering
from registry.services.standards import shipped
from registry.site import Site, open_site
from vosi import resource, xmlio
from vosi.resource import Summary

MARK = secrets.token_hex(16)  # what this process answers with at /healthz, so that it knows itself


@dataclass(frozen=True)
class Verdict:
    """What can be said of an answer: whether it will do, and in what words."""

    good: bool
    words: str


@dataclass(frozen=True)
class Preview:
    """One record as it would be published."""

    summary: Summary
    xml: str


def judge_authority(site: Site, text: str) -> Verdict:
    """Whether `text` can be our authority, as far as it can be known here."""
    fault = authority_fault(text)
    if fault:
        return Verdict(False, fault)
    with site.database.read() as connection:
        taken = authorities.claimant(connection, text)
    if text.lower() in authorities.SHIPPED:
        return Verdict(False, f"{text} is the authority of published standards: choose one of your own.")
    if taken and taken != authorities.our_registry(text).lower():
        return Verdict(False, f"{text} is managed by {taken}: choose another.")
    return Verdict(True, f"ivo://{text} is well formed. Whether somebody elsewhere has it could not be checked: no other "
                         "registry has been harvested yet. With a name of the internet that is yours, nobody has.")


def judge_address(site: Site, url: str) -> Verdict:
    """Whether `url` leads to this very process: it is fetched from here."""
    url = url if url.endswith("/") else url + "/"
    # our own address may be inside any network: the person who holds the link has named it
    settings = site.settings.model_copy(
        update={"allowed_networks": ["0.0.0.0/0", "::/0"], "fetch_timeout": 5, "fetch_deadline": 10})
    try:
        answer = Fetcher(settings).get(url + "healthz")
    except (FetchError, Refusal) as error:
        return Verdict(False, f"It does not lead here: {error}")
    if answer.status != 200 or MARK.encode() not in answer.body:
        return Verdict(False, f"{url} is answered by something else (status {answer.status}): correct it, or the proxy in front.")
    return Verdict(True, f"{url} leads here.")


def wish(answers: dict[str, str]) -> Founding:
    """The founding that the answers ask for."""
    names = ("authority", "title", "base_url", "organisation", "contact", "email", "description", "reference_url")
    return Founding(**{name: answers.get(name, "") for name in names})


def preview(site: Site, answers: dict[str, str]) -> list[Preview]:
    """The records that would be published, the service for queries among them. Raises Refusal where they could not be."""
    asked = wish(answers)
    shown = founding.preview(site, asked)
    settings = site.settings.model_copy(update={
        "authority": asked.authority, "title": asked.title, "base_url": asked.base_url.rstrip("/") + "/"})
    place = next(number for number, xml in enumerate(shown) if _summary(xml).ivoid == authorities.our_registry(asked.authority))
    shown[place], tables = registering.preview(settings, shown[place])
    return [Preview(_summary(xml), xml.decode()) for xml in (*shown, tables)]


def _summary(xml: bytes) -> Summary:
    return resource.summarise(xmlio.parse(xml))


def settings_of(answers: dict[str, str]) -> dict[str, Any]:
    """What the answers put into config.toml."""
    chosen = {"authority": answers["authority"], "title": answers["title"], "base_url": answers["base_url"],
              "admin_email": answers["email"]}
    networks = config_file.from_text("allowed_networks", answers.get("networks", ""))
    return {**chosen, "allowed_networks": networks} if networks else chosen


def found(site: Site, answers: dict[str, str]) -> Site:
    """Publish the records, make the account, write the settings; gives the datacenter as it is from now on, open.

    Raises Refusal; asked for again, it goes on where it stopped.
    """
    chosen = settings_of(answers)
    config_file.check(site.settings.instance, chosen)
    new = open_site(site.settings.instance, **chosen, host=site.settings.host, port=site.settings.port)
    try:
        founding.found(new, wish(answers), f"setup:{answers['admin']}")
        shipped.ship(new)
        registering.register(new, f"setup:{answers['admin']}")
        with new.database.write() as connection:
            if answers["admin"] not in {one.name for one in access.accounts(connection)}:
                access.create_account(connection, answers["admin"], "", access.ADMINISTRATOR, hashed=answers["hash"])
            access.audit(connection, answers["admin"], "found", f"ivo://{answers['authority']}", answers["base_url"])
            keeping.forget(connection)
        config_file.write(site.settings.instance, chosen)
    except BaseException:
        new.close()
        raise
    return new


def founded_elsewhere(site: Site) -> Site | None:
    """The datacenter where `registry init` has founded it while we waited."""
    try:
        if not config.load(site.settings.instance).authority:
            return None
    except Refusal:  # a file that is half written now is read again with the next request
        return None
    return open_site(site.settings.instance, host=site.settings.host, port=site.settings.port)
