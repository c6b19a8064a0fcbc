"""The XML-RPC server of an original-style node: HTTP/1.0, one thread, a backlog of 5.

It writes down every call, and answers wrongly when a test wants it to.
"""

import threading
import time
from xmlrpc.client import Fault, dumps, loads
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer


class Cut(BaseException):
    """The connection is to be closed without an answer; the library's handler lets it pass."""


class Handler(SimpleXMLRPCRequestHandler):
    def do_POST(self):
        self.server.handler = self
        try:
            super().do_POST()
        except Cut:
            self.close_connection = True

    def accept_encodings(self):
        return {"gzip": 1.0} if self.server.always_gzip else super().accept_encodings()


class Server(SimpleXMLRPCServer):
    request_queue_size = 5

    def __init__(self, port):
        super().__init__(("127.0.0.1", port), Handler, logRequests=False, allow_none=True)
        self.calls = []
        self.changed = threading.Condition()
        self.mischief = []
        self.released = threading.Event()
        self.always_gzip = False
        self.handler = None

    def be_always_gzip(self):
        self.always_gzip = True
        self.RequestHandlerClass.encode_threshold = 0

    def misbehave(self, mischief):
        """The next `times` calls of `method` (of any, without one) get this `kind` of answer."""
        with self.changed:
            self.mischief.append(mischief)

    def behave(self):
        with self.changed:
            self.mischief.clear()
        self.released.set()

    def _marshaled_dispatch(self, data, dispatch_method=None, path=None):
        parameters, method = loads(data)
        headers = self.handler.headers
        call = {
            "method": method,
            "parameters": parameters,
            "time": time.monotonic(),
            "http": self.handler.request_version,
            "connection": self.handler.client_address[1],
            "headers": {name.lower(): value for name, value in headers.items()},
        }
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()
            mischief = self.next_mischief(method)
        if mischief is None:
            return super()._marshaled_dispatch(data, dispatch_method, path)
        if mischief.get("after"):
            super()._marshaled_dispatch(data, dispatch_method, path)
        return self.wrong_answer(mischief) or super()._marshaled_dispatch(data, dispatch_method, path)

    def next_mischief(self, method):
        for mischief in self.mischief:
            if mischief.get("method", method) == method and mischief.get("times", 1) > 0:
                mischief["times"] = mischief.get("times", 1) - 1
                return mischief
        return None

    def wrong_answer(self, mischief):
        """Nothing, when the right answer is to follow."""
        kind = mischief["kind"]
        if kind == "slow":
            time.sleep(mischief["seconds"])
        elif kind == "hang":
            self.released.wait()
        elif kind == "fault":
            fault = Fault(1, "<class 'RuntimeError'>:Set changed size during iteration")
            return dumps(fault, methodresponse=True).encode()
        elif kind == "cut":
            raise Cut
        elif kind == "garbage":
            return b"<html><body>It works!</body></html>"
        elif kind == "500":
            raise RuntimeError("the library answers HTTP 500")
        elif kind == "answer":
            return dumps((mischief["value"],), methodresponse=True, allow_none=True).encode()
        else:
            raise ValueError(kind)
        return None
