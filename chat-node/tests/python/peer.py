"""An original-style node for tests, with nothing but Python's standard library.

    python3 -B peer.py ID [PORT]

Prints `{"port": PORT}`, and then answers each line of JSON on stdin, `{"n": 1, "do": COMMAND, ...}`,
with one on stdout, `{"n": 1, "result": RESULT}`. Commands are the methods of `Commands`; each runs in a
thread of its own. It ends with stdin.
"""

import json
import sys
import threading
import xmlrpc.client

from node import Node, Room
from server import Server


class Commands:
    def __init__(self, node, server):
        self.node = node
        self.server = server

    # What happens at the node itself, as its own clients would have it.

    def peers(self, peers):
        """Ids, with the addresses that are called."""
        self.node._peers = peers

    def create_room(self, name, creator="host", description=None, address=None):
        room = Room(name, creator, description)
        self.node._rooms[room.id] = room
        if address:
            self.node._address = address
        return room.id

    def join(self, room_id, username):
        self.node._join(self.node._rooms[room_id], username, self.node._id)

    def leave(self, room_id, username):
        self.node._leave(self.node._rooms[room_id], username)

    def send(self, room_id, username, contents):
        """The messages, told to the peers one after the other."""
        room = self.node._rooms[room_id]
        return [self.node._send(room, username, content) for content in contents]

    def send_in_order(self, room_id, username, contents, order):
        """Numbers all messages, and tells them in another order."""
        room = self.node._rooms[room_id]
        messages = [self.node._number(room, username, content) for content in contents]
        for index in order:
            self.node._tell_all("receive_message_broadcast", room_id, messages[index])
        return messages

    def send_during_joins(self, room_id, contents):
        self.node._rooms[room_id].sent_during_join = contents

    def forget(self, room_id, number):
        """Takes a message out of the history; gives it."""
        messages = self.node._rooms[room_id].messages
        [message] = [message for message in messages if message["sequence_number"] == number]
        messages.remove(message)
        return message

    def room(self, room_id):
        room = self.node._rooms.get(room_id)
        return room and {"members": room.members, "messages": room.messages, "state": room.state}

    # Calls of other nodes.

    def call(self, address, method, parameters):
        """The result, or the fault, or what else went wrong."""
        try:
            return {"value": self.node._call(address, method, *parameters)}
        except xmlrpc.client.Fault as fault:
            return {"fault": [fault.faultCode, fault.faultString]}
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}

    def multicall(self, address, calls):
        """The results of `xmlrpc.client.MultiCall`; a fault ends them."""
        calls_at_once = xmlrpc.client.MultiCall(xmlrpc.client.ServerProxy(address, allow_none=True))
        for method, parameters in calls:
            getattr(calls_at_once, method)(*parameters)
        results = []
        try:
            results.extend(calls_at_once())
        except xmlrpc.client.Fault as fault:
            results.append({"fault": [fault.faultCode, fault.faultString]})
        return results

    # What others called here.

    def calls(self, method=None):
        with self.server.changed:
            return [call for call in self.server.calls if method in (None, call["method"])]

    def wait_for_calls(self, method, count):
        """The calls of a method, once there are that many."""
        with self.server.changed:
            self.server.changed.wait_for(lambda: len(self.calls(method)) >= count, timeout=20)
        return self.calls(method)

    def misbehave(self, **mischief):
        self.server.misbehave(mischief)

    def behave(self):
        self.server.behave()

    def always_gzip(self):
        self.server.be_always_gzip()


def main():
    node_id = sys.argv[1]
    server = Server(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    port = server.server_address[1]
    node = Node(node_id, f"http://127.0.0.1:{port}")
    server.register_instance(node)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    commands = Commands(node, server)
    writing = threading.Lock()

    def write(answer):
        with writing:
            print(json.dumps(answer), flush=True)

    def carry_out(n, do, **arguments):
        write({"n": n, "result": getattr(commands, do)(**arguments)})

    write({"port": port})
    for line in sys.stdin:
        threading.Thread(target=carry_out, kwargs=json.loads(line), daemon=True).start()


if __name__ == "__main__":
    main()
