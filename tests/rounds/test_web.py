"""Pages and API: whose is what, what is refused and how, and what a browser is told."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

import veridical as vd
from support.rounds import START, World
from veridical.rounds import terms
from veridical.rounds.book import new_id
from veridical.rounds.ledger import rows_of
from veridical.rounds.store import Store
from veridical.rounds.web.guards import LARGEST_BODY, Rates

FORM = re.compile(r'name="(form|code)" value="([^"]*)"')
PUBLIC = {"/", "/style.css", "/manual", "/openapi.json", "/enter/{token}"}


def entries(world: World) -> int:
    with world.store.reading() as connection:
        return len(rows_of(connection, world.id))


def form(client: TestClient, world: World) -> dict[str, str]:
    """Return the hidden fields of the form on a participant's page."""
    page = client.get(f"/rounds/{world.id}")
    assert page.status_code == 200
    return dict(FORM.findall(page.text))


def endpoints(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield every path and method that the application answers."""
    for context in iter_route_contexts(app.routes):
        for method in sorted(context.methods or ()):
            if method != "HEAD":
                yield str(context.path), method


def ask(client: TestClient, path: str, method: str, round: str, headers: dict[str, str] | None = None) -> Any:
    """Ask for a path of a round, with a body that would be received."""
    body = {"json": {"report": 3.0, "request": "walk"}} if path.startswith("/api/") else {"data": {"report": "3"}}
    address = path.replace("{round}", round).replace("{token}", "x" * 43)
    return client.request(method, address, headers=headers, **(body if method == "POST" else {}))


def test_every_endpoint_wants_the_token_of_its_round(lite: Store) -> None:
    """Walk all endpoints: without a token, with none that is one, and with that of another round."""
    world, other = World(lite), World(lite, "two-retailers")
    world.report("panel", 3.0)
    before, app = entries(world), world.app()
    found = set(endpoints(app))
    walked = [(path, method) for path, method in found if path not in PUBLIC]
    assert {path for path, _ in found} >= PUBLIC
    assert {path for path, _ in walked} >= {
        "/api/me",
        "/rounds/{round}",
        "/api/rounds/{round}/reports",
        "/api/rounds/{round}/result",
    }
    assert len(walked) >= 9
    for path, method in walked:
        for token, status in ((None, 401), ("x" * 43, 401), ("", 401), ("ä", 401), (other.tokens["retailer 1"], 404)):
            if path == "/api/me" and status == 404:
                continue
            client = TestClient(app, raise_server_exceptions=True, follow_redirects=False)
            headers = {} if token is None else {"Authorization": f"Bearer {token}".encode("latin-1")}
            if not path.startswith("/api/"):
                headers = {} if token is None else {"Cookie": f"veridical_{world.id}={token}".encode("latin-1")}
            answer = ask(client, path, method, world.id, headers)  # type: ignore[arg-type]
            assert answer.status_code == status, (path, method, token)
            assert "panel" not in answer.text
    assert entries(world) == before


def test_a_participant_is_shown_nothing_of_another_by_any_endpoint(lite: Store) -> None:
    """Walk all endpoints with the second participant's token, before and after clearing."""
    world = World(lite)
    receipts = [world.report("panel", cost) for cost in (9.0, 3.0)]
    world.clock.time = START.replace(minute=20)
    world.report("battery", 1.0)
    secrets = [word for receipt in receipts for word in (receipt.commitment, receipt.salt, receipt.entry)]
    secrets += [world.tokens["panel"], receipts[0].received]
    world.clock.time = START.replace(minute=30)
    for cleared in (False, True):
        if cleared:
            part = world.clear()["panel"]
            secrets += [repr(part["payment"]), f"{part['payment']:,.2f}"]
        app = world.app()
        for path, method in endpoints(app):
            if method == "POST" and path.startswith("/api/") and not cleared:
                continue  # a report of his own
            client = TestClient(app, follow_redirects=False)
            headers = {
                "Authorization": f"Bearer {world.tokens['battery']}",
                "Cookie": f"veridical_{world.id}={world.tokens['battery']}",
            }
            answer = ask(client, path, method, world.id, headers)
            assert answer.status_code < 500
            shown = answer.text.replace(json.dumps(world.terms.posted("battery")), "")
            assert [word for word in secrets if word in shown] == [], (path, method)


def test_a_round_that_is_not_there_looks_like_one_of_others(suppliers: World, lite: Store) -> None:
    other = World(lite)
    client = suppliers.client("panel")
    answers = [client.get(f"/api/rounds/{id}") for id in (other.id, "0" * 16)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


def test_the_api_takes_a_report_to_its_result(suppliers: World) -> None:
    client = suppliers.client("panel")
    assert client.get("/api/me").json() == {"round": suppliers.id, "participant": "panel"}
    address = f"/api/rounds/{suppliers.id}"
    shown = client.get(address).json()
    assert (shown["state"], shown["posted"]) == ("open", suppliers.terms.posted("panel"))
    assert client.get(f"{address}/result").status_code == 409
    first = client.post(f"{address}/reports", json={"report": 9.0, "request": "a"})
    again = client.post(f"{address}/reports", json={"report": 9, "request": "a"})
    other = client.post(f"{address}/reports", json={"report": 3.0, "request": "a"})
    last = client.post(f"{address}/reports", json={"report": 3.0, "request": "b"})
    assert [answer.status_code for answer in (first, again, other, last)] == [201, 200, 409, 201]
    assert first.json() == again.json()
    assert client.get(f"{address}/reports").json() == [first.json(), last.json()]
    suppliers.report("battery", 1.0)
    outcome = suppliers.clear()
    assert client.get(f"{address}/result").json()["result"] == outcome["panel"]
    late = client.post(f"{address}/reports", json={"report": 9.0, "request": "c"})
    assert (late.status_code, late.json()["error"]) == (409, "late")
    assert client.get(address).json()["state"] == "cleared"


BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"report": "3", "request": "a"}',
    b'{"report": true, "request": "a"}',
    b'{"report": 4.0, "request": "a"}',
    b'{"report": NaN, "request": "a"}',
    b'{"report": Infinity, "request": "a"}',
    b'{"report": 1e999, "request": "a"}',
    b'{"report": 3.0}',
    b'{"report": 3.0, "request": ""}',
    b'{"report": 3.0, "request": "a b"}',
    b'{"report": 3.0, "request": "\\ud800"}',
    b'{"report": 3.0, "request": "a", "\\ud800": 1}',
    b'{"report": 3.0, "request": "a", "round": "0"}',
    b'{"report": 3.0, "request": "' + b"a" * 65 + b'"}',
    b'{"report": ' + b"9" * 5000 + b', "request": "a"}',
    b"[" * 5000,
    b"\xff\xfe",
]


@pytest.mark.parametrize("body", BAD_BODIES)
def test_what_is_no_report_is_answered_with_a_reason_and_changes_nothing(suppliers: World, body: bytes) -> None:
    client = suppliers.client("panel")
    answer = client.post(f"/api/rounds/{suppliers.id}/reports", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["message"]
    assert entries(suppliers) == 1


@pytest.mark.parametrize("path", ["/api/rounds/{}/reports", "/rounds/{}/reports"])
@pytest.mark.parametrize("said", [True, False])
def test_what_is_too_large_is_refused_before_it_is_read(suppliers: World, path: str, said: bool) -> None:
    content = b" " * (LARGEST_BODY + 1)
    sent = content if said else iter([content[: LARGEST_BODY // 2], content])
    answer = suppliers.client("panel").post(path.format(suppliers.id), content=sent)
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")
    assert entries(suppliers) == 1


def test_a_participant_who_asks_too_often_is_told_to_wait_and_nobody_else(suppliers: World) -> None:
    asked = Rates(per_second=0.5, burst=2, clock=lambda: 0.0)
    app = suppliers.app(asked=asked)
    answers = [TestClient(app, headers={"Authorization": f"Bearer {suppliers.tokens['panel']}"}).get("/api/me") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "2"
    assert TestClient(app, headers={"Authorization": f"Bearer {suppliers.tokens['battery']}"}).get("/api/me").status_code == 200


def test_who_guesses_tokens_is_told_to_wait(suppliers: World) -> None:
    app = suppliers.app(guessed=Rates(per_second=1.0, burst=2, clock=lambda: 0.0))
    statuses = [TestClient(app).get(f"/enter/{'x' * 42}{k}").status_code for k in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert TestClient(app, headers={"Authorization": f"Bearer {suppliers.tokens['panel']}"}).get("/api/me").status_code == 200


def test_a_form_takes_a_report_to_its_result(retailers: World) -> None:
    client = retailers.browser("retailer 1")
    answer = client.post(f"/rounds/{retailers.id}/reports", data={**form(client, retailers), "report": "7.5"})
    assert answer.status_code == 201
    (receipt,) = retailers.book.receipts(retailers.who("retailer 1"))
    for word in ("7.5", receipt.commitment, receipt.salt, receipt.entry):
        assert word in answer.text
    assert json.loads(client.get(f"/rounds/{retailers.id}/receipts.json").text) == [receipt.to_dict()]
    outcome = retailers.clear()
    page = client.get(f"/rounds/{retailers.id}").text
    assert "Your result" in page
    assert f"{outcome['retailer 1']['units']:,.2f}" in page
    assert f"{outcome['retailer 1']['payment']:,.2f}" in page


def test_a_form_that_is_sent_again_is_said_to_be(retailers: World) -> None:
    client = retailers.browser("retailer 1")
    fields = form(client, retailers)
    statuses = [
        client.post(f"/rounds/{retailers.id}/reports", data={**fields, "report": bid}).status_code for bid in ("7.5", "7.5", "9")
    ]
    assert statuses == [201, 409, 409]
    assert entries(retailers) == 2


def test_a_form_after_the_deadline_is_late(retailers: World) -> None:
    client = retailers.browser("retailer 1")
    fields = form(client, retailers)
    retailers.close()
    answer = client.post(f"/rounds/{retailers.id}/reports", data={**fields, "report": "7.5"})
    assert answer.status_code == 409
    assert "Too late" in answer.text
    assert entries(retailers) == 1
    assert "nothing more is received" in client.get(f"/rounds/{retailers.id}").text


@pytest.mark.parametrize("value", ["", "much", "-1", "1,250", "1e3", "nan", "٣", "<script>alert(1)</script>", "9" * 41, "\ud800"])
def test_a_form_with_no_report_comes_back_with_what_is_wrong(retailers: World, value: str) -> None:
    client = retailers.browser("retailer 1")
    fields = {**form(client, retailers), "report": value.encode("utf-8", "surrogatepass")}
    answer = client.post(f"/rounds/{retailers.id}/reports", data=fields)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "<script" not in answer.text
    assert entries(retailers) == 1


def test_a_form_of_another_site_is_refused(retailers: World) -> None:
    client = retailers.browser("retailer 1")
    fields = {**form(client, retailers), "report": "7.5"}
    address = f"/rounds/{retailers.id}/reports"
    forged = [{}, {"code": ""}, {"code": "0" * 64}, {"code": "ä"}, {"form": "another"}, {"form": ""}]
    answers = [client.post(address, data={"report": "7.5"} if not change else {**fields, **change}) for change in forged]
    answers.append(client.post(address, data=fields, headers={"Sec-Fetch-Site": "cross-site"}))
    other = retailers.browser("retailer 2")
    answers.append(client.post(address, data={**form(other, retailers), "report": "7.5"}))
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert client.post(address, content=b"\xff\xff").status_code == 400
    assert entries(retailers) == 1
    assert client.post(address, data=fields, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 201


def test_the_api_takes_no_cookie_so_that_no_site_can_report_for_a_browser(retailers: World) -> None:
    client = retailers.browser("retailer 1")
    client.cookies.set(f"veridical_{retailers.id}", retailers.tokens["retailer 1"], path="/")
    answer = client.post(f"/api/rounds/{retailers.id}/reports", json={"report": 7.5, "request": "a"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_link_leaves_a_cookie_that_pages_alone_can_use(retailers: World, scheme: str) -> None:
    client = retailers.client(base=f"{scheme}://testserver")
    answer = client.get(f"/enter/{retailers.tokens['retailer 1']}", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/rounds/{retailers.id}")
    said = {part.strip().lower() for part in answer.headers["Set-Cookie"].split(";")[1:]}
    assert said == {"httponly", f"path=/rounds/{retailers.id}", "samesite=lax"} | ({"secure"} if scheme == "https" else set())


def test_who_leaves_is_forgotten_by_his_browser(retailers: World) -> None:
    client = retailers.browser("retailer 1")
    client.post(f"/rounds/{retailers.id}/leave", data=form(client, retailers))
    assert client.get(f"/rounds/{retailers.id}").status_code == 401


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_answer_has_the_security_headers_and_takes_nothing_from_elsewhere(retailers: World, scheme: str) -> None:
    client = retailers.browser("retailer 1", f"{scheme}://testserver")
    paths = ["/", "/manual", "/style.css", "/openapi.json", "/nowhere", "/api/me", f"/rounds/{retailers.id}", "/rounds/none"]
    for path in paths:
        answer = client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert ("Strict-Transport-Security" in answer.headers) == (scheme == "https")
        assert "server" not in answer.headers
        if answer.headers["Content-Type"].startswith("text/html"):
            assert not re.search(r"<script|<iframe|<img|<style|\sstyle=|\son\w+=", answer.text)
            links = re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
            assert links
            assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in links)
        if path == "/style.css":
            assert "url(" not in answer.text
            assert "@import" not in answer.text


def test_the_manual_describes_every_call_of_the_api(suppliers: World) -> None:
    app = suppliers.app()
    page = TestClient(app).get("/manual").text
    described = app.openapi()["paths"]
    assert {path for path, _ in endpoints(app) if path.startswith("/api/")} == set(described)
    for path, methods in described.items():
        for method in methods:
            assert f"{method.upper()} {path}" in page


def test_pages_say_money_and_quantities_as_the_case_does(lite: Store) -> None:
    for name, report in (("two-suppliers", "panel"), ("two-retailers", "retailer 1")):
        case = vd.example(name).changed(currency="kroner", unit="pallets")
        world = World(lite, name, terms=terms.freeze(case, None, "closed_form" if name == "two-suppliers" else None))
        client = world.browser(report)
        page = client.get(f"/rounds/{world.id}").text
        assert "in kroner</l" in page
        assert page.lower().count("pallets") >= 2
        posted = world.client(report).get(f"/api/rounds/{world.id}").json()["posted"]
        assert (posted["currency"], posted["unit"]) == ("kroner", "pallets")
        world.clear()
        assert "0.00 kroner" in client.get(f"/rounds/{world.id}").text


def test_a_round_by_lists_names_no_other_supplier_before_and_after_clearing(lite: Store) -> None:
    case = vd.example("two-suppliers").changed(**{"suppliers.battery.costs": [1.25, 4.75]})
    world = World(lite, "two-suppliers", terms=terms.freeze(case, "icds", "closed_form", show="lists"))
    client = world.browser("panel")
    for cleared in (False, True):
        if cleared:
            world.report("panel", 3.0)
            world.clear()
        page = client.get(f"/rounds/{world.id}").text
        api = json.dumps(world.client("panel").get(f"/api/rounds/{world.id}").json())
        assert page.count("<caption>List ") == len(world.terms.posted("panel")["lists"]) > 1
        assert not [word for word in ("battery", "1.25", "4.75") if word in page or word in api]


def test_names_and_descriptions_are_text_on_pages(lite: Store) -> None:
    world = World(lite)
    hostile = '<script>alert("x")</script>'
    id = new_id()
    tokens = world.book.create(id, world.terms, START.replace(hour=13), world.key, hostile, hostile)
    client = TestClient(world.app())
    page = client.get(f"/enter/{tokens['panel']}").text
    assert "<script" not in page
    assert "&lt;script&gt;" in page
