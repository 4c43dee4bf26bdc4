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
        location / {{ proxy_pass {url}/; proxy_http_version {version}; }}
    }}
}}
"""


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_complete_export_passes_and_a_failed_one_does_not_look_complete(sandbox, serve, version):
    url = serve(Application(sandbox).app)
    # A socket's path may have about a hundred characters, fewer than a test's folder has.
    with TemporaryDirectory(dir="/tmp") as folder:
        path, address = Path(folder, "nginx.conf"), Path(folder, "socket")
        path.write_text(CONFIGURATION.format(folder=folder, url=url, version=version))
        command = [str(NGINX), "-p", folder, "-e", "stderr", "-c", str(path)]
        transport = httpx.HTTPTransport(uds=str(address), retries=5)
        with (
            subprocess.Popen(command) as nginx,  # noqa: S603 - its path is not the user's choice
            httpx.Client(transport=transport, base_url="http://app", timeout=60) as browser,
        ):
            try:
                until(lambda: address.exists() or nginx.poll() is not None)
                answer = browser.get("/people")
                assert answer.status_code == 200
                assert len(answer.text.splitlines()) == sandbox.user_count
                assert ("content-length" in answer.headers) == (version == "1.0")
                sandbox.fail_next(500, match=r"page=3\b")
                if version == "1.0":
                    answer = browser.get("/people")
                    assert answer.status_code == 502
                    assert answer.headers["content-type"] == "application/problem+json"
                else:
                    with pytest.raises(httpx.RemoteProtocolError):
                        browser.get("/people")
            finally:
                nginx.terminate()
