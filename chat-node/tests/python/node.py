"""An original-style node between its peers: rooms that it hosts, and what it answers and tells.

As the original, it tells all peers, one after the other, before it answers, and does not look at what
becomes of that.
"""

import datetime
import threading
import uuid
import xmlrpc.client

HISTORY_MESSAGES_MAX = 100


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


class Room:
    def __init__(self, name, creator, description):
        self.id = str(uuid.uuid4())
        self.name = name
        self.creator = creator
        self.description = description
        self.members = {}
        self.messages = []
        self.count = 0
        self.state = "ACTIVE"
        # What is sent between the snapshot for a joiner and the answer to it.
        self.sent_during_join = []


class Node:
    """Its public methods are those that peers call, in the protocol's words."""

    def __init__(self, node_id, address):
        self._id = node_id
        self._address = address
        self._peers = {}
        self._rooms = {}
        self._numbering = threading.Lock()

    def heartbeat(self):
        return {"status": "ok", "node_id": self._id, "timestamp": now()}

    def get_hosted_rooms(self):
        return [
            {
                "room_id": room.id,
                "room_name": room.name,
                "description": room.description,
                "member_count": len(room.members),
                "admin_node": self._id,
                "creator_id": room.creator,
                "node_address": self._address,
            }
            for room in self._rooms.values()
        ]

    def join_room(self, room_id, username, client_node_id):
        room = self._rooms.get(room_id)
        if room is None:
            failure = {"message": "Room not found", "error_code": "ROOM_NOT_FOUND", "room_info": None}
            return {"success": False, **failure}
        again = username in room.members
        self._join(room, username, client_node_id)
        answer = {
            "success": True,
            "message": "Already in room, re-registered" if again else "Successfully joined room",
            "room_info": {
                "room_id": room.id,
                "room_name": room.name,
                "description": room.description,
                "members": list(room.members),
                "member_count": len(room.members),
                "admin_node": self._id,
            },
            "messages": list(room.messages),
        }
        for content in room.sent_during_join:
            self._send(room, "host", content)
        return answer

    def leave_room(self, room_id, username, client_node_id):
        room = self._rooms.get(room_id)
        if room is None:
            return {"success": False, "message": "Room not found", "error_code": "ROOM_NOT_FOUND"}
        if username not in room.members:
            return {"success": False, "message": "Not in room", "error_code": "NOT_IN_ROOM"}
        self._leave(room, username)
        return {"success": True, "message": "Successfully left room"}

    def notify_member_disconnect(self, room_id, username, member_node_id, reason="User disconnected"):
        room = self._rooms.get(room_id)
        if room is None:
            return {"success": False, "message": "Room not found"}
        if username not in room.members:
            return {"success": True, "message": "User not in room"}
        self._leave(room, username, reason)
        return {"success": True, "message": "Member removed successfully"}

    def forward_message(self, room_id, username, content, sender_node_id):
        def refused(error, code):
            return {"success": False, "error": error, "error_code": code}

        if not content or len(content) > 5000:
            return refused("Message content cannot be empty", "INVALID_CONTENT")
        room = self._rooms.get(room_id)
        if room is None:
            return refused("Room not found", "ROOM_NOT_FOUND")
        if username not in room.members:
            return refused("You are not a member of this room", "NOT_MEMBER")
        message = self._send(room, username, content)
        return {"success": True} | {key: message[key] for key in ("message_id", "sequence_number", "timestamp")}

    def receive_message_broadcast(self, room_id, message):
        return True

    def receive_member_event_broadcast(self, room_id, event_type, event):
        return True

    def prepare_delete_room(self, room_id, transaction_id, coordinator):
        vote = {"vote": "READY", "node_id": self._id, "transaction_id": transaction_id}
        room = self._rooms.get(room_id)
        if room is None:
            return vote
        if room.state != "ACTIVE":
            return vote | {"vote": "ABORT", "reason": f"Room in {room.state} state"}
        room.state = "DELETION_PENDING"
        return vote

    def commit_delete_room(self, room_id, transaction_id, room_name=None):
        self._rooms.pop(room_id, None)
        return {"success": True, "node_id": self._id}

    def rollback_delete_room(self, room_id, transaction_id):
        if room_id in self._rooms:
            self._rooms[room_id].state = "ACTIVE"
        return {"success": True, "node_id": self._id}

    def _join(self, room, username, node_id):
        is_new = username not in room.members
        room.members[username] = node_id
        if is_new:
            self._tell_member_event(room, "member_joined", username)

    def _leave(self, room, username, reason=None):
        del room.members[username]
        self._tell_member_event(room, "member_left", username, reason)

    def _tell_member_event(self, room, event_type, username, reason=None):
        event = {
            "room_id": room.id,
            "username": username,
            "member_count": len(room.members),
            "timestamp": now(),
        }
        if reason:
            event["reason"] = reason
        self._tell_all("receive_member_event_broadcast", room.id, event_type, event)

    def _number(self, room, username, content):
        with self._numbering:
            room.count += 1
            message = {
                "message_id": str(uuid.uuid4()),
                "room_id": room.id,
                "username": username,
                "content": content,
                "sequence_number": room.count,
                "timestamp": now(),
            }
            room.messages.append(message)
            del room.messages[:-HISTORY_MESSAGES_MAX]
        return message

    def _send(self, room, username, content):
        message = self._number(room, username, content)
        self._tell_all("receive_message_broadcast", room.id, message)
        return message

    def _tell_all(self, method, *parameters):
        for address in self._peers.values():
            try:
                self._call(address, method, *parameters)
            except Exception:  # The original logs it and goes on.
                pass

    def _call(self, address, method, *parameters):
        with xmlrpc.client.ServerProxy(address, allow_none=True) as node:
            return getattr(node, method)(*parameters)
