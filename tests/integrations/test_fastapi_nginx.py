"""Exports behind nginx, where it is installed."""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from browser import until
from test_fastapi_streaming import Application

# /usr/sbin, where Debian has it, is not on every user's path.
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen unix:{folder}/socket;
        location /1.0/ {{ proxy_pass {url}/; proxy_http_version 1.0; }}
        location /1.1/ {{ proxy_pass {url}/; proxy_http_version 1.1; }}
    }}
}}
"""


@pytest.fixture
def browser(sandbox, serve):
    """Give a browser of the application behind nginx."""
    url = serve(Application(sandbox).app)
    # A socket's path may have about a hundred characters, fewer than a test's folder has.
    with TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder, "nginx.conf")
        path.write_text(CONFIGURATION.format(folder=folder, url=url))
        address = Path(folder, "socket")
        command = [str(NGINX), "-p", folder, "-e", "stderr", "-c", str(path)]
        transport = httpx.HTTPTransport(uds=str(address), retries=5)
        with (
            subprocess.Popen(command) as nginx,  # noqa: S603 - its path is not the user's choice
            httpx.Client(transport=transport, base_url="http://app", timeout=60) as client,
        ):
            try:
                until(lambda: address.exists() or nginx.poll() is not None)
                yield client
            finally:
                nginx.terminate()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_complete_export_passes(browser, sandbox, version):
    answer = browser.get(f"/{version}/people")
    assert answer.status_code == 200
    assert len(answer.text.splitlines()) == sandbox.user_count
    assert ("content-length" in answer.headers) == (version == "1.0")


def test_on_http_1_0_a_failed_export_is_a_problem_response(browser, sandbox):
    sandbox.fail_next(500, match=r"page=3\b")
    answer = browser.get("/1.0/people")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "application/problem+json")


def test_on_http_1_1_a_failed_export_is_cut(browser, sandbox):
    sandbox.fail_next(500, match=r"page=3\b")
    with pytest.raises(httpx.RemoteProtocolError):
        browser.get("/1.1/people")
