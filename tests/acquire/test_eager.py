"""The upper layer that need not poll: how it ends when the two sides end at once."""

from __future__ import annotations

from pynetdicom import AE

from pipelines.acquire.dimse import Entity

ECHO = "1.2.840.10008.1.1"


def test_a_message_that_crossed_the_end_leaves_neither_a_socket_nor_a_dead_thread() -> None:
    server = AE("PACS")
    server.add_supported_context(ECHO)
    with server.start_server(("127.0.0.1", 0), block=False) as listening:  # type: ignore[union-attr]
        client = Entity("HUB")
        client.add_requested_context(ECHO)
        assoc = client.associate("127.0.0.1", listening.server_address[1])
        assert assoc.is_established
        # PS3.8 Table 9-10: Evt9 (P-DATA request) has no row in Sta13 (awaiting the close).
        assoc.dul.state_machine.current_state = "Sta13"
        assoc.dul.event_queue.put("Evt9")
        assoc.dul.join(10)
        assoc.join(10)
        assert not assoc.dul.is_alive()
        assert not assoc.is_alive()
        assert assoc.is_aborted
        assert not assoc.is_established
        assert assoc.dul.socket is not None
        assert assoc.dul.socket.socket is None
        listening.shutdown()
