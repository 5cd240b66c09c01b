"""The site in a browser: every page at two widths, light and dark. Nothing fails, no link is dead, nothing is asked of others.

`make site-test` builds the site and runs this; SHOTS=FOLDER keeps pictures of the pages.
"""

import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from normtheory.audit.claims import claims

pytestmark = pytest.mark.site

SITE = Path(os.environ.get("SITE", Path(__file__).parents[1] / "build" / "site"))
PAGES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html") if "_static" not in path.parts)
LEFT = "net::ERR_ABORTED"  # the page was left before its icon came
PATIENCE = 180_000  # milliseconds for a page or a picture: a machine may be busy with other things
LOOKS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
# Without these Chromium asks its maker's hosts for this and that.
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip
LOOK_AT = """() => ({
  ids: [...document.querySelectorAll("[id], a[name]")].map(each => each.id || each.name),
  links: [...document.querySelectorAll("a[href]")].map(each => each.href),
  broken: [...document.images].filter(each => each.complete && !each.naturalWidth).map(each => each.src),
  width: document.documentElement.scrollWidth,
  wide: [...document.querySelectorAll("article *")].filter(each => {
    const box = each.getBoundingClientRect(); let around = each.parentElement;
    while (around && getComputedStyle(around).overflowX === "visible") around = around.parentElement;
    return box.right > innerWidth + 1 && (!around || around === document.body || around === document.documentElement);
  }).slice(0, 3).map(each => each.outerHTML.slice(0, 120)),
})"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address():
    assert PAGES, f"no site in {SITE}; run make docs"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=SITE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert path, "no Chromium here; install it (Debian, Ubuntu: apt install chromium)"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield opened
        opened.close()


def watched(context):
    """A page, and the list of what goes wrong on it."""
    context.set_default_timeout(PATIENCE)
    page, wrong = context.new_page(), []
    page.on("console", lambda said: wrong.append(f"console: {said.text}") if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}") if request.failure != LEFT else None)
    page.on("response", lambda answer: wrong.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None)
    return page, wrong


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page(browser, address, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, wrong = watched(context)
    page.on("request", lambda request: None if request.url.startswith((address, "data:")) else wrong.append(request.url))
    ids, links, problems = {}, {}, []
    for name in PAGES:
        page.goto(address + name, wait_until="load")
        found = page.evaluate(LOOK_AT)
        ids[name], links[name] = set(found["ids"]), found["links"]
        if found["width"] > width:
            wrong.append(f"{found['width']} pixels wide: {found['wide']}")
        problems += [f"{name}: {each}" for each in (*wrong, *found["broken"])]
        wrong.clear()
        if shots := os.environ.get("SHOTS"):
            page.screenshot(path=Path(shots) / f"{name.replace('/', '-')}-{width}-{scheme}.png", full_page=True)
    context.close()
    dead = [f"{name}: dead link {url}" for name in PAGES for url in links[name] if not alive(url, address, ids)]
    checked = sum(map(len, links.values()))
    print(f"{len(PAGES)} pages, {checked} links at {width} pixels, {scheme}")
    assert not problems + dead, "\n".join(dict.fromkeys(problems + dead))


def alive(url, address, ids):
    """Whether a link leads to something: a page and a place on it, or a file; links to elsewhere only have to be encrypted."""
    if not url.startswith(address):
        return url.startswith(("https://", "mailto:", "javascript:"))
    path, place = urldefrag(unquote(url.removeprefix(address)))
    name = path.split("?")[0] or "index.html"
    if not place:
        return (SITE / name).is_file()
    return place in ids.get(name, ()) or place.startswith(":~:")


def test_every_claim_has_its_page():
    assert {f"claims/{name}.html" for name in claims()} <= set(PAGES)


@pytest.mark.parametrize("from_disk", [False, True])
def test_search_finds_claims_functions_and_words(browser, address, from_disk):
    """Also where no server runs, from the files alone."""
    context = browser.new_context()
    page, wrong = watched(context)
    for word, expected in (("stationarity", "claims/stationarity"), ("rigorous_bound", "rigorous"), ("lazy", "glossary")):
        page.goto((SITE.as_uri() + "/" if from_disk else address) + f"search.html?q={word}")
        page.wait_for_selector("#search-results li a")
        page.wait_for_function("document.querySelector('#search-results p')?.innerText.includes('finished')")
        found = page.eval_on_selector_all("#search-results li a", "all => all.map(each => each.href)")
        assert any(expected in link for link in found), (word, found[:10])
    # A browser lets no page read another file, whose words stand below a result where a server runs.
    assert not wrong or from_disk
    context.close()


def test_the_list_of_claims_can_be_filtered(browser, address):
    page = browser.new_page()
    page.goto(address + "claims/index.html")
    page.click("button[data-verdict=REFUTED]")
    shown = page.eval_on_selector_all(".claims li", "all => all.filter(e => e.offsetParent).map(e => e.dataset.verdict)")
    assert shown
    assert set(shown) == {"REFUTED"}
    page.close()
