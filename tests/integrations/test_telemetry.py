"""OpenTelemetry's instrumentation of httpx, which never sees the API key."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_trace_id
from quick import QUICK, client_of

from useresponse_async import APIConnectionError, AsyncClient, KeyPlacement, UseResponseError
from useresponse_async.sandbox import Received, Sandbox

pytestmark = pytest.mark.anyio

KEY = "k3y/+=s3cr3t~42"
CORE = "s3cr3t"  # whichever way the key is spelled, this is in it


class Telemetry:
    """A tracer and a meter whose exports stay in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._meters = MeterProvider(metric_readers=[self._reader])
        self.handed: list[str] = []

    @contextmanager
    def instrumented(self) -> Iterator[None]:
        async def take_note(_span: object, request: Any, response: Any = None) -> None:
            self.handed.append(repr((request, request.headers.multi_items(), response)))

        HTTPXClientInstrumentor().instrument(
            async_request_hook=take_note,
            async_response_hook=take_note,
            tracer_provider=self.tracers,
            meter_provider=self._meters,
        )
        try:
            yield
        finally:
            HTTPXClientInstrumentor().uninstrument()

    def spans(self, kind: SpanKind = SpanKind.CLIENT) -> list[Any]:
        return [span for span in self._exporter.get_finished_spans() if span.kind is kind]

    def statuses(self) -> list[Any]:
        return [span.attributes.get("http.status_code") for span in self.spans()]

    def everything(self) -> str:
        """Return all that would leave the process, as text."""
        spans = "\n".join(span.to_json() for span in self._exporter.get_finished_spans())
        metrics = self._reader.get_metrics_data()  # none without a response
        return spans + (metrics.to_json() if metrics else "")


@pytest.fixture
def telemetry(caplog, monkeypatch) -> Iterator[Telemetry]:
    """Record all that can be recorded; the key must not be in it."""
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup")
    for kind in ("REQUEST", "RESPONSE"):
        monkeypatch.setenv(f"OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_{kind}", ".*")
    telemetry = Telemetry()
    with caplog.at_level(logging.DEBUG):
        yield telemetry
    assert telemetry.spans()
    assert telemetry.handed
    assert CORE not in telemetry.everything() + "".join(telemetry.handed) + caplog.text


@pytest.fixture
def locked(start_sandbox) -> Sandbox:
    return start_sandbox(users=120, api_key=KEY)


@pytest.fixture(params=[KeyPlacement.QUERY, KeyPlacement.HEADER])
async def client(request, locked, telemetry) -> AsyncIterator[AsyncClient]:
    with telemetry.instrumented():
        async with client_of(locked, key_placement=request.param) as client:
            yield client


def has_key(received: Received) -> bool:
    return KEY in (dict(received.query).get("apiKey"), received.headers.get("Authorization"))


async def test_a_request_has_a_span_without_body_and_passes_its_trace_on(client, locked, telemetry):
    assert (await client.users.get(2)).id == 2
    await client.users.create("ada@example.com", full_name="Ada Lovelace")
    span, created = telemetry.spans()
    assert (span.name, created.name) == ("GET", "POST")
    for name in ("http.url", "url.full"):
        assert span.attributes[name] == f"{locked.url}/api/3.0/users/2.json"
    for name in ("http.status_code", "http.response.status_code"):
        assert span.attributes[name] == 200
    assert all(map(has_key, locked.requests))
    assert format_trace_id(span.context.trace_id) in locked.requests[0].headers["traceparent"]
    assert locked.requests[1].json()["email"] == "ada@example.com"
    assert "Lovelace" not in telemetry.everything()


async def test_every_page_of_a_walk_is_a_child_of_the_callers_span(client, telemetry):
    tracer = telemetry.tracers.get_tracer("the application")
    with tracer.start_as_current_span("export") as export:
        assert len(await client.users.search(role="user").collect()) > 50
    assert len(telemetry.spans()) > 1
    for span in telemetry.spans():
        assert span.parent.span_id == export.get_span_context().span_id
        assert "role=user" in span.attributes["url.full"]


async def test_every_attempt_and_every_redirect_has_a_span_with_its_status(
    client, locked, telemetry
):
    locked.fail_next(503, times=2, message=f"busy, {KEY}")
    locked.answer_next(b"", 302, headers={"Location": "/api/3.0/users/2.json"})
    assert (await client.users.me()).id == 2
    assert telemetry.statuses() == [503, 503, 302, 200]
    codes = [span.status.status_code for span in telemetry.spans()]
    assert codes == [StatusCode.ERROR, StatusCode.ERROR, StatusCode.UNSET, StatusCode.UNSET]
    assert all(map(has_key, locked.requests))


@pytest.mark.parametrize("status", [404, 503])
async def test_an_error_that_the_caller_records_shows_no_key(client, locked, telemetry, status):
    locked.fail_next(status, times=9, message=f"no such thing for {KEY}")
    tracer = telemetry.tracers.get_tracer("the application")
    with pytest.raises(UseResponseError), tracer.start_as_current_span("look-up"):
        await client.users.get(1)
    (own,) = telemetry.spans(SpanKind.INTERNAL)
    (event,) = own.events
    assert "no such thing for ***" in event.attributes["exception.stacktrace"]
    assert {*telemetry.statuses()} == {status}


async def test_a_broken_connection_is_recorded_without_the_key(client, locked, telemetry):
    locked.reset_next(times=9)
    with pytest.raises(APIConnectionError):
        await client.users.me()
    assert len(telemetry.spans()) == QUICK.attempts
    for span in telemetry.spans():
        assert span.status.status_code is StatusCode.ERROR
        assert [event.name for event in span.events] == ["exception"]
        assert span.attributes["error.type"] in ("ReadError", "RemoteProtocolError")


async def test_a_client_from_before_the_instrumentation_is_traced_too(locked, telemetry):
    async with client_of(locked) as client:
        await client.users.me()
        assert telemetry.spans() == []
        with telemetry.instrumented():
            await client.users.me()
        await client.users.me()
    assert telemetry.statuses() == [200]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_instrumentation_of_aiohttp_sees_no_call(locked, monkeypatch):
    seen: list[str] = []

    async def take_note(_session: object, _context: object, started: Any) -> None:
        seen.append(started.url.path)

    tracing = aiohttp.TraceConfig()
    tracing.on_request_start.append(take_note)
    make = aiohttp.ClientSession.__init__
    monkeypatch.setattr(  # as OpenTelemetry's instrumentation of aiohttp does
        aiohttp.ClientSession,
        "__init__",
        lambda session, **options: make(session, **options, trace_configs=[tracing]),
    )
    async with client_of(locked, transport="aiohttp") as client:
        assert (await client.users.get(2)).id == 2
    async with aiohttp.ClientSession() as session, session.get(f"{locked.url}/by-itself"):
        assert seen == ["/by-itself"]
