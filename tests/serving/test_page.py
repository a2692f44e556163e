"""The page at `/`: plain checks of the file everywhere; in headless Chromium, against a server with fixed answers, the rest.

The browser's tests need the Debian packages chromium and chromium-driver, and `pip install selenium`.
"""

from __future__ import annotations

import contextlib
import html.parser
import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from conftest import ROOT

from seqapp.serving.page import SECURITY_HEADER

PAGE = ROOT / "seqapp" / "serving" / "page.html"
EVIL = "<img src=x onerror=document.title='taken'>"
STORY = "quick brown fox jumps over the lazy dog. "


def spec(dtype: str, *shape: int) -> dict[str, Any]:
    return {"dtype": f"DT_{dtype}", "shape": list(shape)}


def signature(inputs: dict[str, Any], outputs: dict[str, Any], example: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"inputs": inputs, "outputs": outputs} | ({"example": example} if example else {})


TEXT, NUMBERS, WHOLE = spec("STRING", -1), spec("FLOAT", -1, -1), spec("INT32", -1)
RANKED = {"probability": NUMBERS, "classes": spec("STRING", -1, -1)}
SERVED: dict[str, dict[str, Any]] = {
    "letters": {
        "serving_default": signature(
            {"text": TEXT}, {"next": spec("STRING", -1, 10), "probability": NUMBERS}, {"text": ["The"]}
        ),
        "generate": signature(
            {"prompt": TEXT, "length": WHOLE, "temperature": spec("FLOAT", -1), "seed": WHOLE},
            {"text": TEXT},
            {"prompt": ["The "], "length": [20], "temperature": [0.7], "seed": [1]},
        ),
        "score": signature({"text": TEXT}, {"log_probability": spec("FLOAT", -1), "tokens": WHOLE}, {"text": ["The"]}),
        "step": signature({"ids": spec("INT32", -1, -1), "state_1": NUMBERS}, {"probability": NUMBERS}),
    },
    "terms": {
        "serving_default": signature(
            {"terms": spec("STRING", -1, 2)},
            {"next": TEXT},
            {"terms": [["12200160415121876738", "19740274219868223167"]]},
        )
    },
    "dinners": {
        "serving_default": signature(
            {"dinner": spec("STRING", -1, -1), "weather": spec("FLOAT", -1, -1, 5)},
            RANKED | {"dinner": TEXT},
            {
                "weather": [[[30.5, 20, 3.1, 0, 0.5], [41, 30.25, 9, 0.2, 0.75], [38, 28, 5, 0, 0.5]]],
                "dinner": [["sushi", "pizza", ""]],
            },
        )
    },
    "prices": {
        "serving_default": signature(
            {"history": spec("FLOAT", -1, -1, 1)},
            dict.fromkeys(("forecast", "lower", "upper", "lower_95", "upper_95"), NUMBERS),
            {"history": [[[100 + step % 7 + step / 4] for step in range(60)]]},
        )
    },
    EVIL: {"serving_default": signature({"x": NUMBERS}, {"y": NUMBERS, EVIL: TEXT}, {"x": [[1, 2.5]]})},
    "refusing": {"serving_default": signature({"x": NUMBERS}, {"y": NUMBERS})},
}


def answer(name: str, signature_name: str, inputs: dict[str, Any]) -> str:
    """Return a model's answer as JSON: invented, with the names and shapes of its signature."""
    if signature_name == "generate":
        time.sleep(0.05)
        text, (length,) = inputs["prompt"][0], inputs["length"]
        at = len(text) % len(STORY)
        return json.dumps([text + (STORY * 50)[at : at + length]])
    if signature_name == "score":
        return '{"log_probability": [-13.8629436], "tokens": [10]}'
    if name == "letters":
        return '{"next": [[" ", "\\n", "e", "<b>"]], "probability": [[0.5, 0.25, 0.1234, 0.0001]]}'
    if name == "terms":
        return json.dumps([str(sum(map(int, inputs["terms"][0])))])
    if name == "dinners":
        return '{"dinner": ["pizza"], "classes": [["hamburger", "pizza", "sushi"]], "probability": [[0.2, 0.7, 0.1]]}'
    if name == "prices":
        last = inputs["history"][0][-1][0]
        moves = {"forecast": 0, "lower": -2, "upper": 2, "lower_95": -4, "upper_95": 4}
        return json.dumps({key: [[last + step + move * step for step in (1, 2, 3)]] for key, move in moves.items()})
    return f'{{"y": [[NaN, -Infinity, 12345678901234567890]], "{EVIL}": ["{EVIL}"]}}'


class FakeServer(BaseHTTPRequestHandler):
    """Serves the page, a list of models, and fixed answers."""

    requests: ClassVar[list[dict[str, Any]]] = []
    keys: ClassVar[list[str]] = []  # if there are any, one is required

    def do_GET(self) -> None:
        if self.path == "/":
            return self.send(200, PAGE.read_text(), "text/html; charset=utf-8")
        if self.path == "/models":
            models = [{"name": name, "version": "3", "signatures": SERVED[name]} for name in SERVED]
            return self.send(
                200, json.dumps({"models": [*models, {"name": "none", "version": None, "signatures": {}}]})
            )
        status = {"version": "4", "state": "END", "status": {"error_code": "INTERNAL", "error_message": "torn file"}}
        return self.send(200, json.dumps({"model_version_status": [status]}))

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(question)
        name = self.path.removeprefix("/v1/models/").removesuffix(":predict")
        if name == "refusing":
            return self.send(429, '{"error": "8 requests are in progress <b>already</b>."}')
        name = name if name in SERVED else EVIL
        outputs = answer(name, question["signature_name"], question["inputs"])
        return self.send(200, f'{{"outputs": {outputs}}}')

    def send(self, code: int, content: str, kind: str = "application/json") -> None:
        known = [f"Bearer {key}" for key in self.keys]
        if known and self.path != "/" and self.headers["Authorization"] not in known:
            code, content = 401, '{"error": "expected a key."}'
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header(*SECURITY_HEADER.split(": ", 1))
        self.send_header("Retry-After", "2")
        self.send_header("Content-Length", str(len(content.encode())))
        with contextlib.suppress(ConnectionError):  # stopped
            self.end_headers()
            self.wfile.write(content.encode())

    def log_message(self, *_: object) -> None:
        pass


# ---- The file alone ------------------------------------------------------------------------------------------------


class Elements(html.parser.HTMLParser):
    """Collects the name and attributes of every element, and the elements still open."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(PAGE.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_one_small_file_that_loads_nothing() -> None:
    text = PAGE.read_text()
    assert len(text.encode()) < 60_000
    assert max(map(len, text.splitlines())) <= 120
    addresses = set(re.findall(r"[a-z]+://[^\s\"'`]*", text))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|@import", text)
    elements = Elements()
    assert elements.open == []
    assert [
        value for _, attributes in elements.elements for name, value in attributes.items() if name in ("src", "href")
    ] == ["data:,"]


def test_page_has_a_language_a_title_and_a_label_for_every_field() -> None:
    elements = Elements().elements
    assert ("html", {"lang": "en"}) in elements
    assert {"title", "main", "h1", "noscript"} <= {tag for tag, _ in elements}
    labels = {attributes["for"] for tag, attributes in elements if tag == "label"}
    fields = {attributes["id"] for tag, attributes in elements if tag in ("input", "select", "textarea")}
    assert fields == labels
    roles = {attributes["id"]: attributes.get("role") for _, attributes in elements if "role" in attributes}
    assert roles == {"error": "alert", "status": "status", "curl": "region"}


def colours(text: str) -> dict[str, tuple[float, ...]]:
    pairs = re.findall(r"--([\w-]+): #(\w{6});", text)
    return {name: tuple(int(code[at : at + 2], 16) / 255 for at in (0, 2, 4)) for name, code in pairs}


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG 2's ratio, 1 to 21."""

    def luminance(colour: tuple[float, ...]) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(theme: int) -> None:
    colors = colours(PAGE.read_text().split("@media (prefers-color-scheme: dark)")[theme])
    texts = [(name, ground) for name in ("text", "muted", "error") for ground in ("page", "field")]
    for name, ground in [*texts, ("on-accent", "accent")]:
        assert contrast(colors[name], colors[ground]) >= 4.5, (name, ground)
    for name, ground in [
        ("edge", "page"),
        ("edge", "field"),
        ("accent", "page"),
        ("accent", "band"),
        ("accent", "inner"),
    ]:
        assert contrast(colors[name], colors[ground]) >= 3, (name, ground)


# ---- In a browser --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install selenium")
    service = pytest.importorskip("selenium.webdriver.chrome.service")
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip("no browser: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    # No name but this machine's can be looked up.
    offline = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", offline):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=service.Service(driver))
    yield chrome
    chrome.quit()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeServer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


class Page:
    """The page as a user sees it: pick, type, press, read."""

    def __init__(self, chromium: Any, address: str) -> None:
        self.browser, self.address = chromium, address
        self.open()

    def open(self) -> None:
        self.browser.get(self.address)
        self.until(lambda: self.script("return document.querySelectorAll('option').length") or self.read("#error"))

    def script(self, text: str, *arguments: object) -> Any:
        return self.browser.execute_script(text, *arguments)

    def devtools(self, command: str, **arguments: object) -> Any:
        return self.browser.execute_cdp_cmd(command, arguments)

    def one(self, selector: str) -> Any:
        return self.browser.find_element("css selector", selector)

    def read(self, selector: str) -> str:
        return str(self.script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)).replace(
            "\xa0", " "
        )

    def until(self, true: Any) -> None:
        deadline = time.monotonic() + 30
        while not true():
            assert time.monotonic() < deadline, self.read("main")
            time.sleep(0.02)

    def pick(self, model: str, question: str | None = None) -> None:
        change = (
            "const s = document.querySelector('#model'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))"
        )
        self.script(change, model)
        if question:
            self.one(f"input[value={question}]").click()

    def type(self, selector: str, text: str) -> None:
        field = self.one(selector)
        field.clear()
        field.send_keys(text)

    def ask(self) -> str:
        """Press the button; return the status after the answer."""
        self.one("#go").click()
        self.until(lambda: self.one("#go").get_attribute("aria-disabled") == "false")
        return self.read("#status")

    def table(self, place: int = 0) -> list[list[str]]:
        """Return a table of the answer, header first."""
        rows = """return [...document.querySelectorAll('#shown table')[arguments[0]].rows].map(
            row => [...row.cells].map(cell => cell.textContent))"""
        return [[cell.replace("\xa0", " ") for cell in row] for row in self.script(rows, place)]


@pytest.fixture
def page(chromium: Any, address: str) -> Iterator[Page]:
    FakeServer.requests.clear()
    opened = Page(chromium, address)
    yield opened
    FakeServer.keys.clear()
    opened.script("sessionStorage.clear()")
    opened.devtools("Emulation.clearDeviceMetricsOverride")
    loaded = opened.script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in loaded if not name.startswith(address)] == []
    # The browser logs a rejected request as "network".
    assert [entry for entry in chromium.get_log("browser") if entry["source"] != "network"] == []


def test_one_click_shows_the_next_tokens_as_bars(page: Page) -> None:
    assert page.one("#field-text").get_attribute("value") == "The"
    assert page.ask() == "Most likely: ␣ space, 50.0 %."
    assert [row[:2] for row in page.table()] == [
        ["next", "probability"], ["␣ space", "50.0 %"], ["⏎ newline", "25.0 %"], ["e", "12.3 %"], ["<b>", "< 0.1 %"],
    ]  # fmt: skip
    widths = page.script("return [...document.querySelectorAll('.bars rect')].map(bar => bar.getBBox().width)")
    assert widths == pytest.approx([100, 50, 24.68, 0.02], abs=0.01)
    assert page.read("#curl") == (
        f"curl -s {page.address}v1/models/letters:predict -d "
        '\'{"signature_name": "serving_default", "inputs": {"text": ["The"]}}\''
    )


def test_bytes_that_are_not_utf8_and_numbers_that_are_not_json_survive_both_directions(page: Page) -> None:
    odd = "decode(Uint8Array.of(97, 255, 195, 169, 195))"
    assert page.script(f"return toJson({odd})") == '{"b64": "Yf/DqcM="}'
    assert page.script(f"return readable({odd})") == "a\ufffdé\ufffd"
    assert page.script("return visible(decode(Uint8Array.of(195)))") == "byte\xa0C3"
    text = r'[NaN, -Infinity, "NaN \" -Infinity", 0.12345678901234567, 12345678901234567890, -1e-3]'
    assert page.script("return parse(arguments[0]).map(String)", text) == [
        "null", "-Infinity", 'NaN " -Infinity', "0.12345678901234566", "12345678901234567890", "-0.001",
    ]  # fmt: skip
    assert page.script("return toJson([NaN, -Infinity, 20])") == "[NaN, -Infinity, 20]"


def test_a_signature_with_states_is_not_offered(page: Page) -> None:
    labels = page.browser.find_elements("css selector", "#kinds label")
    assert [label.text for label in labels] == ["Next token", "Generate text", "Score a text"]


def test_text_streams_in_pieces_with_the_text_so_far_and_the_next_seed(page: Page) -> None:
    page.pick("letters", "generate")
    page.type("#field-length", "40")
    assert page.ask() == "Generated 40 tokens."
    text = "The " + (STORY * 2)[4:44]
    assert page.script("return document.querySelector('#generated').textContent") == text
    requests = [request["inputs"] for request in FakeServer.requests]
    assert [request["prompt"][0] for request in requests] == ["The ", text[:20], text[:36]]
    assert [request["length"][0] for request in requests] == [16, 16, 8]
    assert [request["seed"][0] for request in requests] == [1, 2, 3]
    assert {request["temperature"][0] for request in requests} == {0.7}


def test_stop_ends_a_text_and_gives_the_focus_back(page: Page) -> None:
    page.pick("letters", "generate")
    page.type("#field-length", "5000")
    page.one("#go").click()
    page.until(lambda: len(page.read("#generated")) > 30)
    page.one("#stop").click()
    page.until(lambda: page.read("#status").startswith("Stopped after "))
    status = page.read("#status")
    text = page.script("return document.querySelector('#generated').textContent").removeprefix("The ")
    assert status == f"Stopped after {len(text)} tokens."
    assert page.script("return document.activeElement.id") == "go"
    time.sleep(0.3)  # for a request that was in progress
    count = len(FakeServer.requests)
    time.sleep(0.3)
    assert len(FakeServer.requests) == count


def test_text_so_far_is_kept_when_the_question_changes(page: Page) -> None:
    page.type("#field-text", "Once upon")
    page.one("input[value=score]").click()
    assert page.one("#field-text").get_attribute("value") == "Once upon"
    assert page.ask() == "2.00 bits per token."
    assert page.table()[1:] == [
        ["perplexity", "4.00"],
        ["tokens", "10"],
        ["log-probability of the whole text", "-13.9 nats"],
    ]


def test_terms_of_any_size_keep_every_digit(page: Page) -> None:
    page.pick("terms")
    assert page.ask() == "Next: 31940434634990099905."
    assert page.read(".headline") == "31940434634990099905"
    page.type("#field-terms", "1 2 3")
    page.ask()
    assert page.read("#error") == "Terms: expected 2, got 3."
    assert page.script("return document.activeElement.id") == "field-terms"
    assert page.one("#field-terms").get_attribute("aria-invalid") == "true"
    assert not page.one("#answer").is_displayed()


def test_dinners_are_ranked_and_rows_are_read_as_typed(page: Page) -> None:
    page.pick("dinners")
    assert page.read("#field-rows-hint").startswith(
        "One row per line, oldest first. 6 values each: weather 1, weather 2, weather 3, weather 4, weather 5, dinner. "
        "The last row is the one to predict: leave its dinner empty."
    )
    page.type(
        "#field-rows",
        'date,high,low,wind,rain,humidity,dinner\n2026-01-01,30,20,3,,0.5,"fish, fried"\n2026-01-02,41,30,9,0.2,0.7,\n',
    )
    assert page.ask() == "dinner: pizza, 70.0 %."
    assert [row[:2] for row in page.table()[1:]] == [["pizza", "70.0 %"], ["hamburger", "20.0 %"], ["sushi", "10.0 %"]]
    inputs = FakeServer.requests[-1]["inputs"]
    assert json.dumps(inputs["weather"]) == "[[[30, 20, 3, NaN, 0.5], [41, 30, 9, 0.2, 0.7]]]"
    assert inputs["dinner"] == [["fish, fried", ""]]
    page.type("#field-rows", "1,2,3,4,5,pizza\n1,2,x,4,5,pizza")
    page.ask()
    assert page.read("#error") == "Line 2, weather 3: expected a number, got 'x'."


def test_forecast_is_drawn_with_its_intervals_and_read_by_slider_pointer_and_table(page: Page) -> None:
    page.pick("prices")
    assert page.ask() == "Forecast: 120.8 in 3 steps, +3.0 from 117.8."
    assert page.table()[0] == ["step", "forecast", "95 % interval", "inner interval"]
    assert page.table()[3] == ["+3", "120.8", "108.8 to 132.8", "114.8 to 126.8"]
    assert page.table(1)[-1] == ["0", "117.8"]
    assert len(page.browser.find_elements("css selector", "path.band")) == 2
    assert len(page.browser.find_elements("css selector", "circle.dot")) == 3
    assert (
        page.one("svg[role=img]")
        .get_attribute("aria-label")
        .startswith("Line chart of 20 past and 3 forecast values. +3: forecast 120.8")
    )
    ticks = page.script("return [...document.querySelectorAll('svg[role=img] text')].map(text => text.textContent)")
    assert ticks[:3] == ["110", "120", "130"]
    assert ticks[-3:] == ["0", "+3", "steps after the last past value"]
    page.one("#step-").send_keys("\ue012")  # the left arrow
    assert page.read(".readout") == "+2: forecast 119.8 (95 % interval 111.8 to 127.8, inner interval 115.8 to 123.8)"
    move = "const s = document.querySelector('svg[role=img]'); s.dispatchEvent(new PointerEvent('pointermove', {clientX: 0}))"
    page.script(move)
    assert page.read(".readout") == "-19: history 115.0"
    assert page.one("#step-").get_attribute("aria-valuetext") == "-19: history 115.0"


def test_history_comes_from_a_file(page: Page, tmp_path: Path) -> None:
    page.pick("prices")
    (tmp_path / "prices.csv").write_text("Date;Close\n2026-01-01;10\n2026-01-02;12.5\n2026-01-03;11\n")
    page.one("#field-history-file").send_keys(str(tmp_path / "prices.csv"))
    page.until(lambda: page.one("#field-history").get_attribute("value").startswith("Date;Close"))
    page.ask()
    assert FakeServer.requests[-1]["inputs"] == {"history": [[[10], [12.5], [11]]]}
    assert page.table(1)[1:] == [["2026-01-01", "10.0"], ["2026-01-02", "12.5"], ["2026-01-03", "11.0"]]


def test_any_other_signature_has_json_and_a_table_and_markup_stays_text(page: Page) -> None:
    page.pick(EVIL)
    page.type("#field-json", '{"x": [[NaN, 98765432109876543210]]}')
    assert page.ask() == "Answered."
    assert page.table() == [["row", "y", EVIL], ["1", '[NaN, -Infinity, "12345678901234567890"]', EVIL]]
    assert page.browser.title == "seqapp: ask a model"
    assert page.browser.find_elements("css selector", "img, b") == []


def test_an_error_of_the_server_is_shown_beside_the_form(page: Page) -> None:
    page.pick("refusing")
    page.ask()
    assert page.read("#error") == "The server is busy: 8 requests are in progress <b>already</b>. Try again in 2 s."
    assert not page.one("#answer").is_displayed()


def test_the_key_is_requested_and_not_shown(page: Page) -> None:
    FakeServer.keys.append("secret")
    page.open()
    page.until(lambda: page.read("#error"))
    assert page.read("#error") == "The server requires an API key. Enter it above."
    assert page.script("return document.activeElement.id") == "key"
    page.one("#key").send_keys("wrong\n")
    page.until(lambda: "know" in page.read("#error"))
    assert page.read("#error") == "The server does not know this API key. Enter another one above."
    page.type("#key", "secret\n")
    page.until(lambda: page.script("return document.querySelectorAll('option').length"))
    assert page.ask() == "Most likely: ␣ space, 50.0 %."
    assert '-H "Authorization: Bearer $KEY"' in page.read("#curl")
    assert "secret" not in page.script("return document.documentElement.outerHTML")


def test_an_unreachable_server_is_reported(page: Page) -> None:
    page.devtools("Network.enable")
    gone = {"latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    page.devtools("Network.emulateNetworkConditions", offline=True, **gone)
    page.ask()
    error = page.read("#error")
    page.devtools(
        "Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1
    )
    assert error == "The server does not answer. Is seqapp serve still running?"


def test_model_without_a_version_says_why(page: Page) -> None:
    page.pick("none")
    page.until(lambda: "torn" in page.read("#version"))
    assert page.read("#version") == "No version is loaded.\nVersion 4 (END): torn file"
    assert not page.one("#go").is_displayed()


def test_keyboard_alone_is_enough(page: Page) -> None:
    seen = []
    for _ in range(5):
        page.script("return document.activeElement").send_keys("\ue004")  # tab
        active = "const at = document.activeElement; return [at.id || at.value, getComputedStyle(at).outlineStyle]"
        seen.append(page.script(active))
    assert [name for name, _ in seen] == ["model", "reload", "serving_default", "field-text", "go"]
    assert {outline for _, outline in seen} == {"solid"}
    page.one("#go").send_keys("\ue007")  # enter
    page.until(lambda: page.read("#status").startswith("Most likely"))
    page.one("#field-text").send_keys("!\ue009\ue007")  # control and enter
    page.until(lambda: len(FakeServer.requests) == 2)
    assert FakeServer.requests[1]["inputs"] == {"text": ["The!"]}


def test_dark_where_the_system_is_dark(page: Page) -> None:
    grounds = []
    for theme in ("light", "dark"):
        page.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        grounds.append(page.script("return getComputedStyle(document.body).backgroundColor"))
    page.devtools("Emulation.setEmulatedMedia", features=[])
    assert grounds == ["rgb(252, 252, 250)", "rgb(22, 25, 29)"]


@pytest.mark.parametrize("model", ["letters", "terms", "dinners", "prices", EVIL])
def test_phone_never_scrolls_sideways(page: Page, model: str) -> None:
    page.devtools("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=True)
    page.pick(model)
    page.ask()
    assert page.one("#answer").is_displayed()
    assert page.script("return [innerWidth, document.documentElement.scrollWidth]") == [360, 360]
