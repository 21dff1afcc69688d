"""The site as readers meet it: opened from files, in Chromium, by mouse, keyboard and phone."""

import math
import re
from urllib.parse import urldefrag

import numpy as np
import pytest
from toy_store import MINUS, PLUS, curve, fill, record, toy_registry

from tiltyard.report.history import Series
from tiltyard.report.site import write_site
from tiltyard.run.record import Status
from tiltyard.store import Store
from tiltyard.suite import Budget

HOSTILE = "<img src=x onerror=alert(1)>\"'&é漢" + "long_" * 60

SIZES = {"desktop": (1280, 900), "phone": (390, 800)}


def records():
    """Return runs of every kind: good, failed, unsupported, swept, with a hostile name."""
    rng = np.random.default_rng(0)
    methods = {"halve": 300, "noisy": 900, "called_back": 100, "both_devices": 2000, HOSTILE: 500}
    found = [
        record(name, problem, curve(rng, rate), seed=seed, peak_memory_bytes=10**6 * rate)
        for name, rate in methods.items()
        for problem in (PLUS, MINUS, *(f"line[x0={i}.0,instance=0]" for i in range(5, 14)))
        for seed in (0, 1)
    ]
    smoke = "line[x0=1.0,instance=0]"
    return [
        *found,
        record("halve", smoke, curve(rng, 300), budget=Budget(seconds=0.05)),
        record("noisy", smoke, [], status=Status.CRASHED, reason="it <b>broke</b>"),
        record("positive_only", MINUS, [], status=Status.UNSUPPORTED, reason="sign is minus"),
        record("misbehave", PLUS, [(0.01, math.nan)], status=Status.DIVERGED, reason="NaN"),
        record("halve", PLUS, curve(rng, 90), parameters={"factor": 0.9}),
    ]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Return the address of a site's index."""
    folder = tmp_path_factory.mktemp("site")
    commits = [f"{i:040x}" for i in range(12)]
    values = [1.0] * 7 + [2.0] * 5
    history = [
        Series(
            group="toy",
            name="toy.track_x",
            conditions="here",
            unit="seconds",
            commits=commits,
            values=values,
            regressions=[7],
        )
    ]
    with Store(fill(folder / "s.db", records()), readonly=True) as store:
        return write_site(toy_registry(), store, folder / "out", history).as_uri()


@pytest.fixture
def page(chromium, request):
    """Return a page that fails the test on a console error, an exception or a request outside."""
    options = getattr(request, "param", {})
    context = chromium.new_context(**options)
    opened = context.new_page()
    faults = []
    opened.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on(
        "request",
        lambda asked: (
            None
            if asked.url.startswith(("file:", "data:"))
            else faults.append(f"asked for {asked.url}")
        ),
    )
    yield opened
    context.close()
    assert not faults


def kind(address):
    """Return what kind of page an address is of: index, suite, problem, duel ..."""
    name = address.rsplit("/", 1)[1]
    return re.split(r"[-.]", name)[0]


def crawl(page, index):
    """Return every page that links lead to, with its own links; each is opened once."""
    found, todo = {}, [index]
    while todo:
        address = todo.pop()
        if address in found:
            continue
        page.goto(address)
        links = page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        found[address] = (
            links,
            set(page.eval_on_selector_all("[id]", "all => all.map(e => e.id)")),
        )
        todo += [urldefrag(link).url for link in links if link.startswith("file:")]
    return found


@pytest.fixture(scope="module")
def pages(chromium, index):
    context = chromium.new_context()
    yield crawl(context.new_page(), index)
    context.close()


@pytest.fixture(scope="module")
def one_of_each(pages):
    """Return an address of every kind, one with the hostile name where there is one."""
    found = {}
    for address in sorted(pages):
        if address.endswith(".html"):
            found.setdefault(kind(address), address)
    assert {"index", "claims", "history", "methods"} <= set(found)
    assert {"implementation", "problem", "duel"} <= set(found)
    return found


def test_every_link_leads_somewhere(pages):
    """Pages that do not exist could not have been opened; anchors are looked up."""
    for address, (links, _) in pages.items():
        for link in links:
            target, anchor = urldefrag(link)
            if target in pages:
                assert not anchor or anchor in pages[target][1], f"{address}: {link}"
            else:
                assert link.startswith("https://"), f"{address}: {link}"


def test_pages_load_without_a_fault_and_names_do_nothing(page, one_of_each, pages):
    """The fixture fails on errors; a name that is not escaped would raise an alert."""
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    hostile = [address for address in pages if "img-src" in address][:3]
    assert hostile
    for address in [*one_of_each.values(), *hostile]:
        page.goto(address)
        assert page.locator("h1").count() == 1
        assert page.locator("img[src='x']").count() == 0


@pytest.mark.parametrize(
    "page",
    [
        {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
        for width, height in SIZES.values()
        for scheme in ("light", "dark")
    ],
    indirect=True,
    ids=[f"{size}-{scheme}" for size in SIZES for scheme in ("light", "dark")],
)
def test_accessible_on_phone_and_desktop_in_light_and_dark(page, one_of_each):
    """axe-core finds nothing serious on any kind of page, and no page scrolls sideways."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core").Axe()
    for address in one_of_each.values():
        page.goto(address)
        page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
        serious = [
            (one["id"], one["nodes"][0]["html"][:300])
            for one in axe.run(page).response["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert not serious, address
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wider) <= 0, address


def column(page, table, name):
    """Return the texts of a column's cells in the rows that are shown."""
    return page.evaluate(
        """([table, name]) => {
            const one = document.querySelectorAll("table")[table];
            const heads = [...one.querySelectorAll("th[data-column]")];
            const head = heads.find((h) => h.textContent.trim().startsWith(name));
            return [...one.tBodies[0].rows].filter((row) => !row.hidden)
                .map((row) => row.cells[Number(head.dataset.column)].textContent.trim());
        }""",
        [table, name],
    )


def test_tables_sort_by_mouse_and_keyboard(page, index):
    page.goto(index.replace("index.html", "toy.html"))
    before = column(page, 0, "implementation")
    head = page.locator("table").first.locator("th[data-column]", has_text="implementation")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    ascending = column(page, 0, "implementation")
    assert sorted(ascending) == sorted(before)
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, 0, "implementation") == ascending[::-1]


def test_tables_filter(page, pages):
    """Typing leaves the rows that hold every word; clearing brings the others back."""
    page.goto(next(one for one in sorted(pages) if "problem-line-x0-3-0" in one))
    field = page.locator("input[type=search]").first
    table = field.locator("xpath=following::table[1]")
    rows = table.locator("tbody tr:visible")
    every = rows.count()
    field.fill("noisy")
    assert 0 < rows.count() < every
    assert all("noisy" in text for text in rows.all_text_contents())
    field.fill("noisy nonesuch")
    assert rows.count() == 0
    field.fill("")
    assert rows.count() == every


@pytest.mark.parametrize("page", [{"java_script_enabled": False}], indirect=True)
def test_without_javascript_everything_is_there(page, one_of_each):
    for address in one_of_each.values():
        page.goto(address)
        assert page.locator("h1").is_visible()
        assert page.locator("th button").count() == 0
    page.goto(one_of_each["problem"])
    assert page.locator("table tbody tr").count() > 0
    assert page.locator("svg").count() > 0


def test_the_keyboard_reaches_the_content(page, index):
    """The first stop is a link that skips the navigation, and focus can be seen."""
    page.goto(index)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    box = page.locator("a.skip").bounding_box()
    assert box["x"] >= 0
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
