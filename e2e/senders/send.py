"""Sends one event in each mode with the CloudEvents SDK for Python, and prints "SENT id status" for each."""
import sys
import urllib.request

from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

for mode, write in (("binary", to_binary_event), ("structured", to_structured_event)):
    event = CloudEvent(
        attributes={"id": "python-" + mode, "source": "/senders/python", "type": "org.dubbofn.keep", "specversion": "1.0",
                    "subject": "caf\u00e9 \u20ac \"q\"", "tenant": "a", "datacontenttype": "application/json"},
        data={"n": 1})
    message = write(event)
    answer = urllib.request.urlopen(urllib.request.Request(sys.argv[1], message.body, dict(message.headers)))
    print("SENT", "python-" + mode, answer.status)
