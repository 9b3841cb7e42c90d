"""Closes the emulator's listeners to browsers.

Gap: the emulator listens on a TCP port, where every page in a browser on the machine
reaches it around the proxy, and so do the servers that it starts for functions
(Lambda's Runtime API). Delete this file when it can listen on a Unix socket, and when
the servers of functions refuse what browsers send.
"""

import http.server

import hypercorn.asyncio

# Every browser sends one of them with what a page of another origin asks for.
OF_BROWSERS = ("Origin", "Sec-Fetch-Site")
HOSTS = ("127.0.0.1", "localhost")


def on_socket(serve, path):
    """Serves on a socket that its owner alone may open, whatever port was asked for."""

    def serve_there(app, config, *more, **named):
        config.bind = [f"unix:{path}"]
        config.umask = 0o077
        return serve(app, config, *more, **named)

    return serve_there


def from_page(headers):
    """Whether a page sent a request: by its origin, or to a name that leads here."""
    host = headers.get("Host", "").rsplit(":", 1)[0].lower()
    return host not in HOSTS or any(name in headers for name in OF_BROWSERS)


def without_pages(parse_request):
    """Refuses the requests of pages before anything else looks at them."""

    def parse(handler):
        if not parse_request(handler):
            return False
        if from_page(handler.headers):
            handler.close_connection = True
            handler.send_error(403)
            return False
        return True

    return parse


def install(path):
    hypercorn.asyncio.serve = on_socket(hypercorn.asyncio.serve, path)
    server = http.server.BaseHTTPRequestHandler
    server.parse_request = without_pages(server.parse_request)
